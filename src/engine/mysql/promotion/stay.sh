# Stays what it is: a replica that takes no writes. One that takes them already says so.
if [ "$(echo 'SELECT @@GLOBAL.read_only;' | run)" = 0 ]; then
  echo "it takes writes already" >&2
  exit 1
fi
echo "$start;" | run

# Stops a primary that comes back as a standby: clients are sent away, and the standbys get everything before it ends. With
# the word "told" it makes itself ready, and does so when it reads a line.
set -eu
if [ "$standby" = true ]; then exit 0; fi
if [ ! -e "$dir/standby.signal" ]; then
  echo "standby.signal is missing: it would come back as a primary" >&2
  exit 1
fi
server=$(head -n 1 "$dir/postmaster.pid")
if [ "${1-}" = told ] && ! read -r word; then
  echo "nobody told it to stop: it goes on" >&2
  exit 1
fi
kill -INT "$server"

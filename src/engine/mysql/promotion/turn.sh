# Lets the old primary follow the new one. $1 host, $2 port; what else it connects with is read from the input.
rest=$(cat)
if [ -z "$rest" ]; then
  echo "the candidate does not say what it connects with" >&2
  exit 1
fi
# It may have been told before.
echo "$stop;" | run
# MariaDB goes on from what it has written itself.
if [ "$family" = mariadb ]; then echo "SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos;" | run; fi
echo "$change = '$1', $port = $2, $rest, $gtid; $start;" | run

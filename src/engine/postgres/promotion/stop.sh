# Stops a primary that comes back as a standby: clients are sent away, and the standbys get everything before it ends.
set -eu
if [ "$(on -c 'SELECT pg_is_in_recovery()')" = t ]; then exit 0; fi
if [ ! -e "$dir/standby.signal" ]; then
  echo "standby.signal is missing: it would come back as a primary" >&2
  exit 1
fi
kill -INT "$(head -n 1 "$dir/postmaster.pid")"

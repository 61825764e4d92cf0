# Makes a server the primary again that was told to be a standby: 0 when it takes writes, else it is to be run again.
set -eu
for name in primary_conninfo primary_slot_name default_transaction_read_only; do back "$name"; done
rm -f "$dir/standby.signal"
if [ "$standby" = true ]; then
  kill -INT "$(head -n 1 "$dir/postmaster.pid")"
  echo "it is started again" >&2
  exit 1
fi
on -c 'SELECT pg_reload_conf()' >/dev/null

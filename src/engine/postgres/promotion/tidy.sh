# Takes away what a standby has left from when it was the primary: what held it back, and the slots named by the arguments.
set -eu
back default_transaction_read_only
forget primary_conninfo
forget primary_slot_name
on -c 'SELECT pg_reload_conf()' >/dev/null
for slot in "$@"; do
  on -c "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '$slot' AND NOT active" >/dev/null
done

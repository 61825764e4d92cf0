# Takes no more writes, and sends clients away: what they have not committed is rolled back. Given up when a transaction that
# runs does not let go in time.
if ! echo "SET SESSION lock_wait_timeout = 10; $lock;" | run; then
  echo "$unlock;" | run
  exit 1
fi
echo "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.processlist WHERE ID <> CONNECTION_ID()
  AND COMMAND NOT IN ('Connect', 'Daemon') AND COMMAND NOT LIKE 'Binlog Dump%'
  AND USER NOT IN ('system user', 'event_scheduler', 'unauthenticated user', 'mysql.session');" | run |
  ask --force 2>/dev/null || true # some have gone by themselves

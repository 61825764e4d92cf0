# The words of this server's family, and statements from the input: what is secret never stands on a command line.
set -eu
version=$(ask --skip-column-names -e 'SELECT VERSION()')
case $version in
*MariaDB*)
  family=mariadb start='START SLAVE' stop='STOP SLAVE' forget='RESET SLAVE ALL'
  change='CHANGE MASTER TO MASTER_HOST' port='MASTER_PORT' gtid='MASTER_USE_GTID = slave_pos'
  lock='SET GLOBAL read_only = ON' unlock='SET GLOBAL read_only = OFF'
  executed='SELECT @@GLOBAL.gtid_current_pos' wait='SELECT MASTER_GTID_WAIT' ;;
*)
  family=mysql start='START REPLICA' stop='STOP REPLICA' forget='RESET REPLICA ALL'
  change='CHANGE REPLICATION SOURCE TO SOURCE_HOST' port='SOURCE_PORT' gtid='SOURCE_AUTO_POSITION = 1'
  # What is persisted survives a restart.
  lock='SET PERSIST super_read_only = ON'
  unlock='SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF'
  executed='SELECT @@GLOBAL.gtid_executed' wait='SELECT WAIT_FOR_EXECUTED_GTID_SET' ;;
esac
run() { ask --skip-column-names --raw; }
# Has this server no longer take no writes when it starts, where `read-only-options.sh` saw to that.
release() {
  if [ "$family" = mysql ]; then return; fi
  options=$(echo 'SELECT @@datadir;' | run)/.my.cnf
  if [ -e "$options" ]; then sed -i '/^# kubectl stateful: given up/,/^# kubectl stateful: end/d' "$options"; fi
}

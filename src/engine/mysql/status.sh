# Prints the home of the server's process, where it reads options, unless its own arguments keep it from that or have it take
# writes. What a process has in its environment is seen by its own user alone.
home() {
  for process in /proc/[0-9]*; do
    words=$(tr '\0' '\n' 2>/dev/null <"$process/cmdline") || continue
    case "${words%%
*}" in mariadbd | */mariadbd | mysqld | */mysqld) ;; *) continue ;; esac
    unlike='^--(no-defaults|defaults-file|(skip|disable)[-_]read[-_]only|read[-_]only=(0|off))'
    if printf '%s\n' "$words" | grep -qiE "$unlike"; then return; fi
    owner=$(stat -c '--reuid=%u --regid=%g' "$process") || continue
    # shellcheck disable=SC2086 # two words
    { cat "$process/environ" || setpriv $owner --clear-groups cat "$process/environ"; } 2>/dev/null |
      tr '\0' '\n' | sed -n 's/^HOME=\([A-Za-z0-9_./-]*\)$/\1/p'
    return
  done
}
# Prints tables as the client's batch mode writes them, each after two lines that name it; the last one is called end.
# Which statements there are depends on the server, so it is asked first: its version, whether it keeps a binary log.
kind() { ask --skip-column-names -e "SELECT VERSION(); SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'wsrep_on')" 2>&1; }
kind=$(kind)
code=$?
# 2002: nobody listens on the socket. Some servers have none.
case $code$kind in 1*'ERROR 2002 '*) at=127.0.0.1; kind=$(kind); code=$? ;; esac
if [ "$code" -ne 0 ]; then printf '%s\n' "$kind" >&2; exit "$code"; fi
tab=$(printf '\t')
group='SELECT * FROM performance_schema.replication_group_members;' options=
patient='SET SESSION max_execution_time = 4000, lock_wait_timeout = 1;'
case $kind in
*MariaDB*)
  replication='SHOW ALL SLAVES STATUS' replicas='SHOW SLAVE HOSTS' group=
  options="SELECT 'home' AS Variable_name, '$(home)' AS Value;"
  patient='SET SESSION max_statement_time = 4, lock_wait_timeout = 1;' ;;
5.* | 8.0.[0-9][!0-9]* | 8.0.1[0-9]* | 8.0.2[01]*) replication='SHOW SLAVE STATUS' replicas='SHOW SLAVE HOSTS' ;;
*) replication='SHOW REPLICA STATUS' replicas='SHOW REPLICAS' ;;
esac
# A member of a Galera cluster without quorum answers nothing else.
case $kind in *"wsrep_on${tab}ON"*) patient="$patient SET SESSION wsrep_sync_wait = 0, wsrep_dirty_reads = ON;" ;; esac
case $kind in *"log_bin${tab}ON"*) logs='SHOW BINARY LOGS;' ;; *) logs= ;; esac
# Threads of the server itself are nobody's work.
ask <<SQL
$patient
SELECT 'sessions' AS kubectl_stateful;
SELECT CASE WHEN p.COMMAND <> 'Sleep' THEN 'active' WHEN t.trx_id IS NULL THEN 'idle' ELSE 'idle in transaction' END
  AS state, COUNT(*) AS number FROM information_schema.processlist AS p
  LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.ID
  WHERE p.ID <> CONNECTION_ID() AND p.COMMAND NOT IN ('Connect', 'Daemon') AND p.COMMAND NOT LIKE 'Binlog Dump%'
  AND p.USER NOT IN ('system user', 'event_scheduler', 'unauthenticated user', 'mysql.session') GROUP BY 1;
SELECT 'replication' AS kubectl_stateful;
$replication;
SELECT 'replicas' AS kubectl_stateful;
$replicas;
SELECT 'group' AS kubectl_stateful;
$group
SELECT 'status' AS kubectl_stateful;
SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Rpl_semi_sync_%_status' OR Variable_name LIKE 'Rpl_semi_sync_%_clients'
  OR Variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_state_uuid', 'wsrep_cluster_status', 'wsrep_connected',
  'wsrep_incoming_addresses', 'wsrep_last_committed', 'wsrep_local_recv_queue', 'wsrep_local_state_comment',
  'wsrep_ready');
SELECT 'variables' AS kubectl_stateful;
SHOW GLOBAL VARIABLES WHERE Variable_name LIKE 'rpl_semi_sync_%_enabled' OR Variable_name LIKE 'rpl_semi_sync_%_count'
  OR Variable_name IN ('version', 'version_comment', 'port', 'server_id', 'server_uuid', 'read_only', 'super_read_only',
  'log_bin', 'log_slave_updates', 'log_replica_updates', 'gtid_mode', 'gtid_executed', 'gtid_purged',
  'gtid_current_pos', 'gtid_binlog_pos', 'gtid_binlog_state', 'gtid_strict_mode', 'datadir', 'group_replication_group_name',
  'group_replication_single_primary_mode', 'wsrep_on', 'wsrep_node_name', 'wsrep_cluster_name');
SELECT 'options' AS kubectl_stateful;
$options
SELECT 'logs' AS kubectl_stateful;
$logs
SELECT 'end' AS kubectl_stateful;
SQL

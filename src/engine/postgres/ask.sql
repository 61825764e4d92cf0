-- One document about one server; the same statement on PostgreSQL 12 to 18, on a primary and in recovery.
-- Rows of views are taken whole, because their columns differ between versions; conninfo holds secrets and stays here.
-- Patroni keeps two sessions on every server, and whoever else asks for the status has one: these are nobody's work.
SELECT jsonb_build_object(
    'version', current_setting('server_version'),
    'user', current_user,
    'started', extract(epoch FROM pg_postmaster_start_time())::bigint,
    'sees_all', pg_has_role('pg_read_all_stats', 'USAGE'),
    'in_recovery', me.in_recovery,
    'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
    'checkpoint_timeline', (SELECT timeline_id FROM pg_control_checkpoint()),
    'recovery_timeline', (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
    'wal_file', CASE WHEN NOT me.in_recovery THEN pg_walfile_name(pg_current_wal_lsn()) END,
    'current_lsn', CASE WHEN NOT me.in_recovery THEN pg_current_wal_lsn() END,
    'flush_lsn', CASE WHEN NOT me.in_recovery THEN pg_current_wal_flush_lsn() END,
    'receive_lsn', CASE WHEN me.in_recovery THEN pg_last_wal_receive_lsn() END,
    'replay_lsn', CASE WHEN me.in_recovery THEN pg_last_wal_replay_lsn() END,
    'replay_paused', CASE WHEN me.in_recovery THEN pg_is_wal_replay_paused() END,
    'replay_age_ms', CASE WHEN me.in_recovery THEN
        (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint END,
    'wal_receiver', (SELECT to_jsonb(receiver) - 'conninfo' FROM pg_stat_wal_receiver AS receiver),
    'standbys', (SELECT coalesce(jsonb_agg(to_jsonb(standby) ORDER BY pid), '[]') FROM pg_stat_replication AS standby),
    'slots', (SELECT coalesce(jsonb_agg(to_jsonb(slot) || jsonb_build_object('retained_bytes', pg_wal_lsn_diff(
        CASE WHEN me.in_recovery THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
        ELSE pg_current_wal_lsn() END, slot.restart_lsn)) ORDER BY slot_name), '[]') FROM pg_replication_slots AS slot),
    'sessions', (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
        SELECT coalesce(state, 'unknown') AS state, count(*) AS number FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND coalesce(application_name, '') NOT LIKE ALL (ARRAY['Patroni %', 'kubectl-stateful%'])
        GROUP BY 1) AS by_state),
    'settings', (SELECT coalesce(jsonb_object_agg(name, setting), '{}') FROM pg_settings WHERE name IN (
        'archive_mode', 'cluster_name', 'data_directory', 'default_transaction_read_only', 'max_connections',
        'max_locks_per_transaction', 'max_prepared_transactions', 'max_replication_slots', 'max_wal_senders',
        'max_worker_processes', 'port', 'primary_slot_name', 'recovery_min_apply_delay', 'server_version_num',
        'synchronous_commit', 'synchronous_standby_names', 'wal_level')),
    'checkpoint', (SELECT jsonb_build_object('lsn', checkpoint_lsn, 'redo', redo_lsn) FROM pg_control_checkpoint()),
    'oldest_transaction_ms', (SELECT (extract(epoch FROM clock_timestamp() - min(xact_start)) * 1000)::bigint
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
    'prepared', (SELECT jsonb_build_object('count', count(*), 'oldest_ms',
        (extract(epoch FROM clock_timestamp() - min(prepared)) * 1000)::bigint) FROM pg_prepared_xacts),
    'archiver', (SELECT to_jsonb(archiver) || jsonb_build_object(
        'fails', archiver.last_failed_time > coalesce(archiver.last_archived_time, '-infinity'))
        FROM pg_stat_archiver AS archiver)
) FROM (SELECT pg_is_in_recovery() AS in_recovery) AS me

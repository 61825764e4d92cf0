DO $take_over$
-- Waits until this standby is shown to hold the very end of the old primary's log. The old server has ended in
-- order when its shutdown checkpoint is the last record there is: such a record begins where its own redo does, and what was
-- replayed ends right behind it. It must lie behind what was here when the waiting began, which is told before the stop.
DECLARE
  deadline timestamptz;
  known pg_lsn;
  segment bigint := (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size');
  seen pg_lsn;
  redo pg_lsn;
  place bigint;
  header int;
  why text;
BEGIN
  PERFORM set_config('application_name', 'kubectl-stateful promote', false);
  -- What is written down now has not to be while nobody takes writes.
  EXECUTE 'CHECKPOINT';
  known := greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn());
  deadline := clock_timestamp() + interval '{seconds} s';
  RAISE INFO 'waiting for the end of the log behind %', known;
  LOOP
    IF NOT pg_is_in_recovery() THEN
      RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN
      why := 'the old primary still sends';
    ELSE
      EXECUTE 'CHECKPOINT';
      SELECT checkpoint_lsn, redo_lsn INTO seen, redo FROM pg_control_checkpoint();
      place := seen - '0/0'::pg_lsn;
      header := CASE WHEN place % 8192 + {record} <= 8192 THEN 0 WHEN (place / 8192 + 1) * 8192 % segment = 0 THEN 40 ELSE 24 END;
      IF seen = redo AND seen >= known AND pg_last_wal_replay_lsn() - seen = ({record} + header + 7) / 8 * 8 THEN
        EXIT;
      END IF;
      why := format('the end of its log is missing here: last checkpoint %s, redo %s, replayed up to %s', seen, redo,
        pg_last_wal_replay_lsn());
    END IF;
    IF clock_timestamp() > deadline THEN
      RAISE EXCEPTION 'not taken over: %', why;
    END IF;
    PERFORM pg_sleep(0.01);
  END LOOP;
END
$take_over$;

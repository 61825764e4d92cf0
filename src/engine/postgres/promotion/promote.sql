DO $promote$
-- Ends when this server takes writes. pg_promote() would look for that once in 100 ms only.
DECLARE
  deadline timestamptz := clock_timestamp() + interval '{seconds} s';
  asked timestamptz := clock_timestamp();
BEGIN
  IF pg_is_in_recovery() THEN
    PERFORM pg_promote(false);
  END IF;
  WHILE pg_is_in_recovery() LOOP
    IF clock_timestamp() > deadline THEN
      RAISE EXCEPTION 'the promotion was asked for and has not ended within {seconds} s';
    END IF;
    -- A server that is asked while it wants to connect to the old primary once more takes note, and then sleeps out
    -- wal_retrieve_retry_interval, 5 s, as after any connection that ends. It wakes up when it is asked again; the file that may
    -- be left of that is removed whenever a server starts.
    IF clock_timestamp() > asked + interval '50 ms' AND EXISTS (
      SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval'
    ) THEN
      BEGIN
        PERFORM pg_promote(false);
      EXCEPTION WHEN object_not_in_prerequisite_state THEN
        NULL; -- It has taken over meanwhile.
      END;
      asked := clock_timestamp();
    END IF;
    PERFORM pg_sleep(0.005);
  END LOOP;
END
$promote$

DO $promote$
-- Ends when this server takes writes. pg_promote() would look for that once in 100 ms only.
DECLARE
  deadline timestamptz := clock_timestamp() + interval '{seconds} s';
BEGIN
  IF pg_is_in_recovery() THEN
    PERFORM pg_promote(false);
  END IF;
  WHILE pg_is_in_recovery() LOOP
    IF clock_timestamp() > deadline THEN
      RAISE EXCEPTION 'the promotion was asked for and has not ended within {seconds} s';
    END IF;
    PERFORM pg_sleep(0.005);
  END LOOP;
END
$promote$

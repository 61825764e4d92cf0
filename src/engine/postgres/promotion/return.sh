# Tells a primary to come back as a standby when it is started again. What a standby of it connects with is read from the input.
# $1 host, $2 port, $3 its own name, $4 its slot there, empty for none, $5 whether nobody waits to see it as a standby.
set -eu
conninfo=$(cat)
if [ -z "$conninfo" ]; then
  echo "the candidate has no primary_conninfo to go by" >&2
  exit 1
fi
conninfo=$(lead "$conninfo" "host='$1' hostaddr='' port='$2' application_name='$3'")
if [ -z "$conninfo" ]; then
  echo "the candidate's primary_conninfo cannot be changed: it is a URI, or too long" >&2
  exit 1
fi
# With nothing but what the server itself would have: could it follow at all?
CONNINFO="$conninfo replication=true" on >/dev/null <<'END'
\setenv PGPASSWORD
\setenv PGOPTIONS
\set conninfo `printf %s "$CONNINFO"`
\connect :conninfo
IDENTIFY_SYSTEM;
END
for name in primary_conninfo primary_slot_name default_transaction_read_only; do keep "$name"; done
put primary_conninfo "$conninfo"
put primary_slot_name "$4"
# Should its start-up forget that it is a standby when another one has taken over, then it takes no writes from whoever does
# not insist. It is not reloaded before that.
if [ "$5" = fast ]; then put default_transaction_read_only on; fi
: >"$dir/standby.signal"
own "$dir/standby.signal"
sync "$dir/standby.signal" 2>/dev/null || sync
on -c CHECKPOINT

# Tries a write by way of $1 and port $2. It leaves nothing behind: a message in the log, committed as every other write is.
set -eu
host="-h $1"
export PGPORT="$2"
on -c "SELECT pg_logical_emit_message(true, 'kubectl-stateful', 'a write')" >/dev/null

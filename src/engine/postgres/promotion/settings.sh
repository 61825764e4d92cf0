# Settings that `ALTER SYSTEM` writes, and the files beside them. What they were is kept in the data directory, readable to the
# server alone, so that it can be put back. Statements with secrets are not logged.
export PGOPTIONS='-c statement_timeout=0 -c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic -c pgaudit.log=none'
host=
on() { psql -XAtqw -v ON_ERROR_STOP=1 $host -U "${user:-postgres}" -d postgres "$@"; }
if ! on -c 'SELECT' >/dev/null 2>&1; then
  host='-h 127.0.0.1'
  on -c 'SELECT' >/dev/null || exit 1
fi
umask 077
dir=$(on -c 'SHOW data_directory')
# The server must be able to remove and to copy whatever lies in its directory.
own() { chown --reference="$dir/PG_VERSION" "$1"; }
# Keeps what `ALTER SYSTEM` had written for $1, if anything, and is not kept already.
keep() {
  if [ -e "$dir/kubectl-stateful.$1" ]; then return; fi
  on -c "SELECT '=' || setting FROM pg_file_settings WHERE name = '$1' AND sourcefile LIKE '%/postgresql.auto.conf'
    ORDER BY seqno DESC LIMIT 1" >"$dir/kubectl-stateful.$1.new"
  own "$dir/kubectl-stateful.$1.new"
  mv "$dir/kubectl-stateful.$1.new" "$dir/kubectl-stateful.$1"
}
# Writes the value $2 for $1.
put() {
  NAME=$1 VALUE=$2 on <<'END'
\set name `printf %s "$NAME"`
\set value `printf %s "$VALUE"`
ALTER SYSTEM SET :name = :'value';
END
}
# Writes for $1 what was kept.
back() {
  if [ ! -e "$dir/kubectl-stateful.$1" ]; then return; fi
  kept=$(cat "$dir/kubectl-stateful.$1")
  if [ -n "$kept" ]; then put "$1" "${kept#=}"; else on -c "ALTER SYSTEM RESET $1"; fi
  rm -f "$dir/kubectl-stateful.$1"
}
forget() { rm -f "$dir/kubectl-stateful.$1"; }

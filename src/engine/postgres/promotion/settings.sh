# Settings that `ALTER SYSTEM` writes, and the files beside them. What they were is kept in the data directory, readable to the
# server alone, so that it can be put back. Statements with secrets are not logged.
export PGOPTIONS='-c statement_timeout=0 -c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic -c pgaudit.log=none'
host=
on() { psql -XAtqw -v ON_ERROR_STOP=1 $host -U "${user:-postgres}" -d postgres "$@"; }
look() { on -c "SELECT pg_is_in_recovery() || ' ' || current_setting('data_directory')"; }
if ! seen=$(look 2>/dev/null); then
  host='-h 127.0.0.1'
  seen=$(look) || exit 1
fi
umask 077
# Whether it is a standby, and where its data are: told by one look, for some scripts are in a hurry.
standby=${seen%% *}
dir=${seen#* }
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
# Prints the connection string $1 with the words of $2 in the place of those of the same name. They are not only added: after a
# dozen of switchovers there would be more than the 1023 bytes that a walreceiver reads.
lead() {
  CONNINFO=$1 WORDS=$2 on <<'END'
\set conninfo `printf %s "$CONNINFO"`
\set words `printf %s "$WORDS"`
WITH given AS (
  SELECT :'conninfo' || ' ' || :'words' AS words, $$(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)$$ AS word
), pair AS (
  SELECT found[1] AS name, found[2] AS value, place FROM given, regexp_matches(words, word, 'g') WITH ORDINALITY AS one (found, place)
), last AS (
  SELECT DISTINCT ON (name) name, value, place FROM pair ORDER BY name, place DESC
), whole AS (
  SELECT string_agg(name || '=' || value, ' ' ORDER BY place) AS words FROM last
)
SELECT whole.words FROM given, whole
WHERE given.words !~ '://' AND regexp_replace(given.words, word, '', 'g') !~ '\S' AND octet_length(whole.words) < 1024;
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

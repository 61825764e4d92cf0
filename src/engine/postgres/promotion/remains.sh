# Beside a server that does not answer: finds the end of its log, and counts what was committed behind $1. Changes nothing.
set -eu
export LC_ALL=C
dir= bin=
for process in /proc/[0-9]*; do
  exe=$(readlink "$process/exe" 2>/dev/null) || continue
  case "$exe" in
    */postgres)
      if [ -e "$process/cwd/PG_VERSION" ]; then
        dir=$(readlink "$process/cwd")
        bin=${exe%/*}
        break
      fi
      ;;
  esac
done
# Somebody else's process may be closed to us; what it was started with is not.
if [ -z "$dir" ]; then
  for process in /proc/[0-9]*; do
    words=$(tr '\0' '\n' 2>/dev/null <"$process/cmdline") || continue
    case "${words%%
*}" in
      */postgres)
        bin=${words%%/postgres
*}
        dir=$(printf '%s\n' "$words" | sed -n -e '/^-D$/{n;p;q;}' -e 's/^-D\(.\)/\1/p')
        if [ -e "$dir/PG_VERSION" ]; then break; fi
        dir=
        ;;
    esac
  done
fi
if [ -z "$dir" ]; then
  dir=${PGDATA:?the data directory is not known}
  bin=$(dirname "$(command -v postgres)")
fi
line=$("$bin/pg_controldata" -D "$dir" | sed -n "s/^Latest checkpoint's TimeLineID: *//p")
# The reader of the log ends with an error, always: where it found the end.
log=$("$bin/pg_waldump" -p "$dir/pg_wal" -t "$line" -s "$1" 2>&1 |
  sed -n -e 's/.*rmgr: Transaction .*desc: COMMIT.*/commit/p' -e 's/^pg_waldump: *\(error\|fatal\): */said /p' -e 's/^pg_waldump: FATAL: */said /p') || true
commits=$(printf '%s\n' "$log" | grep -c '^commit$' || true)
said=$(printf '%s\n' "$log" | sed -n 's/^said //p' | tail -n 1 | tr -d '"\\')
end=$(printf '%s\n' "$said" | sed -n 's/.* at \([0-9A-F]*\/[0-9A-F]*\).*/\1/p')
case "$said" in *'could not find a valid record after'*) end=$1 ;; esac
printf '{"from":"%s","end":%s,"commits":%s,"said":"%s"}\n' "$1" "$(if [ -n "$end" ]; then printf '"%s"' "$end"; else printf null; fi)" "$commits" "$said"

# Beside a server that does not answer: prints what its last log files do not have, for it was before them, and which of their
# transactions are not in the set $2. Changes nothing. $1 what the files of its log are called.
set -eu
dir=/var/lib/mysql
for process in /proc/[0-9]*; do
  words=$(tr '\0' '\n' 2>/dev/null <"$process/cmdline") || continue
  case "${words%%
*}" in
    mysqld | */mysqld)
      given=$(printf '%s\n' "$words" | sed -n 's/^--datadir=//p')
      dir=${given:-$dir}
      ;;
  esac
done
cd "$dir"
files=$(tail -n 2 "$1.index")
first=$(printf '%s\n' "$files" | head -n 1)
before=$(mysqlbinlog --no-defaults "$first" | sed -n -e '/Previous-GTIDs/,/^# at /s/^# \([0-9a-f-]*:.*\)/\1/p' -e '/GTID_NEXT/q')
# The names have no blanks: the server makes them of one word and a number.
# shellcheck disable=SC2086
log=$(mysqlbinlog --no-defaults --base64-output=decode-rows --exclude-gtids="$2" $files)
lost=$(printf '%s\n' "$log" | sed -n "s/^SET @@SESSION.GTID_NEXT= *'\([0-9a-f].*\)'.*/\1/p")
printf 'before %s\nlost %s\n' "$(printf %s "$before" | tr -d '\n')" "$(printf %s "$lost" | tr '\n' ',')"

# Beside a MariaDB server that does not answer: prints what its last log files do not have, for it was before them, and which of
# their transactions come after those of $2. Changes nothing. $1 what the files of its log are called.
set -eu
dir=/var/lib/mysql
for process in /proc/[0-9]*; do
  words=$(tr '\0' '\n' 2>/dev/null <"$process/cmdline") || continue
  case "${words%%
*}" in
    mariadbd | */mariadbd | mysqld | */mysqld)
      given=$(printf '%s\n' "$words" | sed -n 's/^--datadir=//p')
      dir=${given:-$dir}
      ;;
  esac
done
cd "$dir"
reader=$(command -v mariadb-binlog || command -v mysqlbinlog) || {
  echo "neither mariadb-binlog nor mysqlbinlog to read the log with" >&2
  exit 127
}
files=$(tail -n 2 "$1.index")
# The names have no blanks: the server makes them of one word and a number.
# shellcheck disable=SC2086
log=$({ "$reader" --no-defaults --base64-output=decode-rows $files || echo '# unreadable'; } |
  grep -E '^# unreadable|Gtid list|^#.*[0-9]+-[0-9]+-[0-9]')
case $log in *'# unreadable'*) echo "the log cannot be read to its end" >&2 && exit 1 ;; esac
first=$(printf '%s\n' "$log" | sed -n '/Gtid list \[/,/\]/p' | sed '/\]/q' | tr -d '\n')
case $first in *'Gtid list ['*) ;; *) echo "no list of what was before the log" >&2 && exit 1 ;; esac
before=$(printf %s "$first" | sed 's/.*Gtid list \[\([^]]*\)\].*/\1/' | tr -d '# ')
lost=$(printf '%s\n' "$log" | sed -n 's/^#.*end_log_pos.*[[:blank:]]GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p' |
  awk -F - -v known="$2" '
    BEGIN {
      n = split(known, all, ",")
      for (i = 1; i <= n; i++) { split(all[i], one, "-"); last[one[1]] = one[3] }
    }
    !($1 in last) || $3 + 0 > last[$1] + 0')
printf 'before %s\nlost %s\n' "$before" "$(printf %s "$lost" | tr '\n' ',')"

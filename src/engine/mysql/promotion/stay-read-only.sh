# Has a server that was given up take no writes when it starts again, in a pod of its own: by what it has persisted beside its
# data. $1 where is given what `describe.sh` prints of the new primary.
set -eu
until [ -e "$1" ]; do sleep 0.1; done
read -r version loads dir <"$1" || [ -n "$dir" ]
dir=${dir%/}
if [ "$loads" != 1 ]; then echo "persisted_globals_load is off: it would come back taking writes" >&2 && exit 1; fi
file=$dir/mysqld-auto.cnf
if [ ! -d "$dir/mysql" ]; then echo "there are no data in $dir" >&2 && exit 1; fi
# In microseconds: a server takes a file with smaller numbers for broken, and starts without it.
now=$(date +%s)000000
on() { printf '"%s": {"Value": "ON", "Metadata": {"Timestamp": %s, "User": "", "Host": ""}}' "$1" "$now"; }
text=
if [ -s "$file" ]; then text=$(tr -d '\n' <"$file"); fi
if [ -z "$text" ]; then
  case $version in
    8.0.*) text='{"Version": 1, "mysql_server": {}}' ;;
    *) text='{"Version": 2, "mysql_dynamic_variables": {}}' ;;
  esac
fi
for name in read_only super_read_only; do
  text=$(printf '%s' "$text" | sed -E "s/\"$name\" *: *\{[^{}]*(\{[^{}]*\})?[^{}]*\} *,? *//g")
  case $text in
    *'"mysql_dynamic_variables"'* | *'"mysql_server"'*)
      text=$(printf '%s' "$text" | sed -E "s/\"(mysql_dynamic_variables|mysql_server)\" *: *\{/&$(on "$name"), /") ;;
    *) text=$(printf '%s' "$text" | sed -E "s/\"Version\" *: *[0-9]+/&, \"mysql_dynamic_variables\": {$(on "$name")}/") ;;
  esac
  text=$(printf '%s' "$text" | sed -E 's/, *\}/}/g')
  case $text in *"$(on "$name")"*) ;; *) echo "what is persisted in $file is not understood" >&2 && exit 1 ;; esac
done
printf '%s\n' "$text" >"$file.new"
chown --reference="$dir/mysql" "$file.new"
chmod 640 "$file.new"
mv "$file.new" "$file"
sync

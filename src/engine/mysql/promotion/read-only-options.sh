# Has a MariaDB server that was given up take no writes when it starts again, in a pod of its own: by what it reads in its home,
# which is where its data are. $1 where is given what `describe.sh` prints of the new primary.
set -eu
until [ -e "$1" ]; do sleep 0.1; done
read -r _ _ dir <"$1" || [ -n "$dir" ]
dir=${dir%/}
file=$dir/.my.cnf
if [ ! -d "$dir/mysql" ]; then echo "there are no data in $dir" >&2 && exit 1; fi
umask 077
{
  if [ -e "$file" ]; then sed '/^# kubectl stateful: given up/,/^# kubectl stateful: end/d' "$file"; fi
  printf '%s\n' '# kubectl stateful: given up as the primary, it takes no writes until it is promoted.' \
    '[mysqld]' 'read_only=ON' '# kubectl stateful: end'
} >"$file.new"
chown --reference="$dir/mysql" "$file.new"
mv "$file.new" "$file"
sync

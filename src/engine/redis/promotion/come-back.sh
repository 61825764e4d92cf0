# Has a server that was given up start as a replica, in a pod of its own: by its configuration file. $1 where is given what
# the new master says that it is, $2 the file, $3 and $4 host and port of the new master.
set -eu
until [ -e "$1" ]; do sleep 0.1; done
read -r role <"$1" || [ -n "$role" ]
if [ "$role" != master ]; then echo "$3 is no master: $role" >&2 && exit 1; fi
if [ ! -s "$2" ]; then echo "there is no configuration in $2" >&2 && exit 1; fi
cp -p "$2" "$2.new" # for its owner and mode
grep -viE '^[[:space:]]*(replicaof|slaveof)[[:space:]]' "$2" >"$2.new" || [ $? = 1 ]
printf 'replicaof %s %s\n' "$3" "$4" >>"$2.new"
mv "$2.new" "$2"
sync

# Lets a standby follow another primary. $1 host, $2 port, $3 its slot there, empty for none.
set -eu
conninfo=$(lead "$(on -c 'SHOW primary_conninfo')" "host='$1' hostaddr='' port='$2'")
if [ -z "$conninfo" ]; then
  echo "its primary_conninfo cannot be changed: it is a URI, or too long" >&2
  exit 1
fi
put primary_conninfo "$conninfo"
put primary_slot_name "$3"
on -c 'SELECT pg_reload_conf()' >/dev/null

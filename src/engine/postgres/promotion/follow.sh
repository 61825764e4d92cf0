# Lets a standby follow another primary. $1 host, $2 port, $3 its slot there, empty for none.
set -eu
conninfo=$(on -c 'SHOW primary_conninfo')
put primary_conninfo "$conninfo host='$1' hostaddr='' port='$2'"
put primary_slot_name "$3"
on -c 'SELECT pg_reload_conf()' >/dev/null

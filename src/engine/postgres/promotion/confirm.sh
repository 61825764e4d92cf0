# Sets whom commits wait for once this standby is the primary. $1 is the rule.
set -eu
keep synchronous_standby_names
put synchronous_standby_names "$1"
on -c 'SELECT pg_reload_conf()' >/dev/null

# Puts back whom commits would wait for.
set -eu
back synchronous_standby_names
on -c 'SELECT pg_reload_conf()' >/dev/null

# Secrets are expanded here, inside the container, and reach the client by its environment only.
# Only the server of this very container may answer, whatever option files and variables say of other hosts.
unset MYSQL_HOST
client=$(command -v mariadb || command -v mysql) || { echo "neither mariadb nor mysql to ask with" >&2; exit 127; }
user=$(given MARIADB_ROOT_USER MYSQL_ROOT_USER)
password=$(given MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD MARIADB_MASTER_ROOT_PASSWORD MYSQL_MASTER_ROOT_PASSWORD)
if [ -n "$password" ]; then export MYSQL_PWD="$password"; fi
at=localhost
ask() { "$client" --connect-timeout=2 --batch -h "$at" -u "${user:-root}" "$@"; }

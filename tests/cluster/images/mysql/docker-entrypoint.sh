#!/bin/bash
# Prepares the data directory when it is empty, then becomes the server. The contract is that of the official images, of
# MySQL as well as of MariaDB.
set -euo pipefail
DATADIR=/var/lib/mysql

# The value of $1, else of the file that $1_FILE names, else $2.
setting() {
  local file=${1}_FILE
  if [ -n "${!1-}" ]; then
    printf %s "${!1}"
  elif [ -n "${!file-}" ]; then
    printf %s "$(<"${!file}")"
  else
    printf %s "${2-}"
  fi
}

initialize() { # SERVER ARGUMENT...
  local password file server
  password=$(setting MARIADB_ROOT_PASSWORD "$(setting MYSQL_ROOT_PASSWORD)")
  if [ -z "$password" ]; then
    echo "neither MYSQL_ROOT_PASSWORD nor MARIADB_ROOT_PASSWORD is set: no password, no database" >&2
    exit 1
  fi
  case $1 in
  mysqld) "$@" --initialize-insecure --skip-log-bin ;;
  mariadbd) mariadb-install-db --user=mysql --datadir="$DATADIR" --auth-root-authentication-method=normal --skip-test-db --force ;;
  esac
  # Without a network listener no client meets the half-made database; without a binary log all begin with no history.
  "$@" --skip-networking --skip-log-bin --skip-slave-start --read-only=OFF --loose-super-read-only=OFF &
  server=$!
  until mysql -u root -e 'SELECT 1' >/dev/null 2>&1; do kill -0 "$server" && sleep 0.2; done
  password=${password//\\/\\\\}
  password=${password//\'/\\\'}
  mysql -u root <<SQL
DELETE FROM mysql.user WHERE User = '' AND @@version LIKE '%MariaDB%';
CREATE USER root@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$password';
FLUSH PRIVILEGES;
SQL
  export MYSQL_PWD
  MYSQL_PWD=$(setting MARIADB_ROOT_PASSWORD "$(setting MYSQL_ROOT_PASSWORD)")
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh)
      # shellcheck source=/dev/null
      if [ -x "$file" ]; then "$file"; else . "$file"; fi
      ;;
    *.sql) mysql -u root <"$file" ;;
    esac
  done
  mysql -u root -e SHUTDOWN
  wait "$server"
  unset MYSQL_PWD
}

if [ "${1:0:1}" = - ]; then set -- "$(command -v mariadbd >/dev/null && echo mariadbd || echo mysqld)" "$@"; fi
if [ "$1" = mysqld ] || [ "$1" = mariadbd ]; then
  if [ "$(id -u)" = 0 ]; then
    chown mysql: "$DATADIR" /var/run/mysqld
    find "$DATADIR" ! -user mysql -exec chown mysql: {} +
    HOME=/var/lib/mysql exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  [ -d "$DATADIR/mysql" ] || initialize "$@"
fi
exec "$@"

#!/bin/bash
# Prepares PGDATA when it is empty, then becomes the server. The contract is that of the official image.
set -euo pipefail

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

initialize() {
  local user password database method file psql
  user=$(setting POSTGRES_USER postgres)
  password=$(setting POSTGRES_PASSWORD)
  database=$(setting POSTGRES_DB "$user")
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ -z "$password" ] && [ "$method" != trust ]; then
    echo "POSTGRES_PASSWORD is not set, and POSTGRES_HOST_AUTH_METHOD is not trust: no password, no database" >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # POSTGRES_INITDB_ARGS is a list of words
  initdb --username="$user" --auth-local=trust --pwfile=<(printf '%s\n' "${password:-none}") ${POSTGRES_INITDB_ARGS-}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # Without a network listener: no client, and no readiness probe, meets the half-made database.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$user")
  if [ "$database" != postgres ]; then
    "${psql[@]}" -d postgres -v name="$database" <<<'CREATE DATABASE :"name";'
  fi
  psql+=(-d "$database")
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh)
      # shellcheck source=/dev/null
      if [ -x "$file" ]; then "$file"; else . "$file"; fi
      ;;
    *.sql) "${psql[@]}" -f "$file" ;;
    *.sql.gz) gunzip -c "$file" | "${psql[@]}" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    chmod 3775 /var/run/postgresql
    chown postgres: /var/run/postgresql
    find "$PGDATA" ! -user postgres -exec chown postgres: {} +
    HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA" || true # a volume's own directory may belong to someone else
  [ -s "$PGDATA/PG_VERSION" ] || initialize
fi
exec "$@"

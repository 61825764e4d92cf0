#!/bin/bash
# Hands the data directory to postgres, then becomes Patroni as that user.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PATRONI_POSTGRESQL_DATA_DIR"
  chown -R postgres: "$PATRONI_POSTGRESQL_DATA_DIR"
  chmod 700 "$PATRONI_POSTGRESQL_DATA_DIR"
  HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
exec "$@"

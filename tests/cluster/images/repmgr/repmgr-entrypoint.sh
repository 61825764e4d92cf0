#!/bin/bash
# Makes a primary and two standbys that repmgr knows, once, and starts them.
set -euo pipefail
port_of() { echo $((5431 + $1)); }

configure() { # NODE
  mkdir -p "$SERVERS/$1"
  cat >"$SERVERS/$1/repmgr.conf" <<C
node_id=$1
node_name='pg-$1'
conninfo='host=127.0.0.1 port=$(port_of "$1") user=repmgr dbname=repmgr connect_timeout=2'
data_directory='$SERVERS/$1/data'
pg_bindir='/usr/lib/postgresql/17/bin'
repmgr_bindir='/usr/lib/postgresql/17/bin'
use_replication_slots=yes
log_level=NOTICE
C
}
repmgr() { # NODE WORD...
  local node=$1
  shift
  /usr/lib/postgresql/17/bin/repmgr -f "$SERVERS/$node/repmgr.conf" "$@"
}
start() { pg_ctl -D "$SERVERS/$1/data" -w start; }

first() {
  initdb -D "$SERVERS/1/data" --username=postgres --auth-local=trust --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:?}") -E UTF8 --data-checksums
  cat >>"$SERVERS/1/data/postgresql.conf" <<C
shared_preload_libraries = 'repmgr'
shared_buffers = 64MB
wal_log_hints = on
max_wal_senders = 10
max_replication_slots = 10
wal_keep_size = 64MB
max_wal_size = 256MB
# Whoever starts a server, what it says is in one place.
logging_collector = on
log_filename = 'server.log'
C
  cat >"$SERVERS/1/data/pg_hba.conf" <<C
local all all trust
host all repmgr 127.0.0.1/32 trust
host replication repmgr 127.0.0.1/32 trust
host all all all scram-sha-256
C
  start 1
  psql -U postgres -qc 'CREATE ROLE repmgr SUPERUSER LOGIN' -c 'CREATE DATABASE repmgr OWNER repmgr'
  repmgr 1 primary register
}
another() { # NODE
  repmgr "$1" -h 127.0.0.1 -p "$(port_of 1)" -U repmgr -d repmgr standby clone --fast-checkpoint
  echo "port = $(port_of "$1")" >>"$SERVERS/$1/data/postgresql.conf"
  start "$1"
  repmgr "$1" standby register --wait-sync=30
}

for node in 1 2 3; do configure "$node"; done
first
for node in 2 3; do another "$node"; done
touch "$SERVERS/ready"
exec sleep infinity

# Finds the server of this container and its superuser. Secrets are expanded here, inside the container, and reach psql by its environment only.
# Only the server of this very container may answer: whatever points elsewhere is dropped.
unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS
case "${PGHOST-}" in /*) ;; *) unset PGHOST ;; esac
export PGPORT="${PGPORT:-${POSTGRESQL_PORT_NUMBER:-5432}}"
export PGAPPNAME=kubectl-stateful PGCONNECT_TIMEOUT=2 PGCLIENTENCODING=UTF8
export PGOPTIONS='-c statement_timeout=4000 -c lock_timeout=1000 -c client_min_messages=error -c search_path=pg_catalog'
# Where postgres has a password of its own, POSTGRES_USER is an ordinary user who sees too little.
password=$(given POSTGRES_POSTGRES_PASSWORD POSTGRESQL_POSTGRES_PASSWORD)
user=postgres
if [ -z "$password" ]; then
  password=$(given PATRONI_SUPERUSER_PASSWORD PGPASSWORD_SUPERUSER POSTGRES_PASSWORD POSTGRESQL_PASSWORD)
  user=$(given PATRONI_SUPERUSER_USERNAME PGUSER_SUPERUSER POSTGRES_USER POSTGRESQL_USERNAME)
fi
if [ -n "$password" ]; then export PGPASSWORD="$password"; fi

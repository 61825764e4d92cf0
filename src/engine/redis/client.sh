# Makes `ask`, which talks to the server of this very container, or to the sentinel where $1 says so.
# Secrets are expanded here, inside the container, and reach the client by its environment only.
client=
for place in redis-cli valkey-cli /opt/bitnami/redis/bin/redis-cli /opt/bitnami/valkey/bin/valkey-cli; do
  if command -v "$place" >/dev/null 2>&1; then client=$place; break; fi
done
if [ -z "$client" ]; then
  echo "there is no redis-cli to ask with" >&2
  exit 127
fi
# Prints the first number. A Service named redis gives its pods a REDIS_PORT that is none: tcp://10.0.0.1:6379.
number() {
  for value in "$@"; do
    case $value in '' | *[!0-9]*) ;; *) printf %s "$value"; return ;; esac
  done
}
encrypted=$(given REDIS_TLS_ENABLED VALKEY_TLS_ENABLED)
case $1 in
  sentinel)
    port=$(number "${REDIS_SENTINEL_PORT_NUMBER-}" "${VALKEY_SENTINEL_PORT_NUMBER-}" "${REDIS_SENTINEL_PORT-}" \
      "${VALKEY_SENTINEL_PORT-}" 26379)
    encrypted=$(given REDIS_SENTINEL_TLS_ENABLED VALKEY_SENTINEL_TLS_ENABLED)
    password=$(given REDIS_SENTINEL_PASSWORD VALKEY_SENTINEL_PASSWORD) ;;
  *)
    port=$(number "${REDIS_PORT_NUMBER-}" "${VALKEY_PORT_NUMBER-}" "${REDIS_PORT-}" "${VALKEY_PORT-}" 6379)
    if [ "$encrypted" = yes ]; then
      port=$(number "${REDIS_TLS_PORT_NUMBER-}" "${VALKEY_TLS_PORT_NUMBER-}" "${REDIS_TLS_PORT-}" "${VALKEY_TLS_PORT-}" "$port")
    fi
    password= ;;
esac
if [ -z "$password" ]; then password=$(given REDISCLI_AUTH VALKEYCLI_AUTH REDIS_PASSWORD VALKEY_PASSWORD); fi
unset REDISCLI_AUTH VALKEYCLI_AUTH
if [ -n "$password" ]; then export REDISCLI_AUTH="$password" VALKEYCLI_AUTH="$password"; fi
# A server that hangs must not leave clients behind.
limit=
if command -v timeout >/dev/null 2>&1; then limit='timeout 20'; fi
if [ "$encrypted" = yes ]; then
  authority=$(given REDIS_TLS_CA_FILE VALKEY_TLS_CA_FILE REDIS_SENTINEL_TLS_CA_FILE)
  certificate=$(given REDIS_TLS_CERT_FILE VALKEY_TLS_CERT_FILE REDIS_SENTINEL_TLS_CERT_FILE)
  key=$(given REDIS_TLS_KEY_FILE VALKEY_TLS_KEY_FILE REDIS_SENTINEL_TLS_KEY_FILE)
  ask() { $limit "$client" --tls --cacert "$authority" --cert "$certificate" --key "$key" -p "$port" "$@"; }
else
  ask() { $limit "$client" -p "$port" "$@"; }
fi
# Prints what the server said, or complains of it: the client ends well also where nobody answered or all was refused.
admitted() {
  case $1 in
    '') exit 1 ;;
    *NOAUTH*) if [ -z "$password" ]; then echo 'NOAUTH: the container has no REDIS_PASSWORD to log in with' >&2; fi; exit 1 ;;
  esac
  printf '%s\n' "$1"
}

#!/bin/sh
# Becomes the server, as its own user. The contract is that of the official images: anybody may connect, unless a
# configuration says otherwise.
set -eu
name=redis
if command -v valkey-server >/dev/null; then name=valkey; fi
case ${1-} in
-* | *.conf) set -- "$name-server" "$@" ;;
esac
if [ "${1-}" = "$name-server" ]; then
  if [ "$(id -u)" = 0 ]; then
    find . ! -user "$name" -exec chown "$name": {} +
    exec setpriv --reuid="$name" --regid="$name" --clear-groups "$0" "$@"
  fi
  case " $* " in
  *' --sentinel '* | *' --protected-mode '*) ;;
  *) set -- "$@" --protected-mode no ;;
  esac
fi
exec "$@"

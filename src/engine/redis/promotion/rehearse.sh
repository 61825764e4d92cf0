# Connects to the server at $2:$3 as a replica of it would, with what the server here has for that, and sees that its own
# configuration can be written.
user=$(ask CONFIG GET masteruser | sed -n 2p)
secret=$(ask CONFIG GET masterauth | sed -n 2p)
export REDISCLI_AUTH="$secret" VALKEYCLI_AUTH="$secret"
if [ -z "$secret" ]; then unset REDISCLI_AUTH VALKEYCLI_AUTH; fi
own=$password
if [ -n "$user" ]; then said=$(ask -h "$2" -p "$3" --user "$user" PING 2>&1); else said=$(ask -h "$2" -p "$3" PING 2>&1); fi
if [ "$said" != PONG ]; then
  echo "as a replica it could not connect to $2:$3 (masterauth): $said" >&2
  exit 1
fi
export REDISCLI_AUTH="$own" VALKEYCLI_AUTH="$own"
if [ -z "$own" ]; then unset REDISCLI_AUTH VALKEYCLI_AUTH; fi
keep

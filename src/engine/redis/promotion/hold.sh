# Keeps writes waiting on the master here until sentinels have made the replica at $2:$3 the master, and follows it at once:
# left to them, two would take writes for some seconds. Says on its standard error when the replica has everything; only then
# may they be told. Who else they may choose follows in pairs of host and port. Clients are sent away in the end.
case $(replication) in
  *role:master*) ;;
  *"master_host:$2"*) exit 0 ;;
  *) echo "it is no master" >&2; exit 1 ;;
esac
wanted=$2
shift
give_up() {
  ask CLIENT UNPAUSE >/dev/null
  echo "$1" >&2
  exit 1
}
said=$(ask CLIENT PAUSE 45000 WRITE)
if [ "$said" != OK ]; then
  echo "CLIENT PAUSE: $said" >&2
  exit 1
fi
until=$(($(date +%s) + 20))
while :; do
  info=$(replication)
  own=$(printf '%s\n' "$info" | sed -n 's/^master_repl_offset://p')
  its=$(printf '%s\n' "$info" | sed -n "s/^slave[0-9]*:ip=$1,port=$2,.*offset=\([0-9]*\).*/\1/p")
  if [ -n "$own" ] && [ "$own" = "$its" ]; then break; fi
  if [ "$(date +%s)" -ge "$until" ]; then give_up "$wanted does not get everything: it has ${its:-nothing} of ${own:-an unknown number}"; fi
  sleep 0.05
done
echo "$wanted has everything" >&2
until=$(($(date +%s) + 20))
while [ "$(date +%s)" -lt "$until" ]; do
  for at in $(seq 1 2 $#); do
    eval "host=\${$at} port=\${$((at + 1))}"
    case $(ask -h "$host" -p "$port" ROLE 2>/dev/null | head -n 1) in
      master)
        said=$(ask REPLICAOF "$host" "$port")
        ask CLIENT UNPAUSE >/dev/null
        ask CLIENT KILL TYPE normal SKIPME yes >/dev/null
        if [ "$said" != OK ]; then echo "REPLICAOF: $said" >&2; exit 1; fi
        if [ "$host" != "$wanted" ]; then echo "the sentinels chose $host, not $wanted" >&2; exit 1; fi
        exit 0 ;;
    esac
  done
  sleep 0.05
done
give_up "the sentinels made nobody the master within 20 s"

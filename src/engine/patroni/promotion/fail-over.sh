# Has Patroni make $1 the leader, which runs here, by the order $2. It is sent once; what Patroni's store says afterwards
# decides: the order stays there until somebody leads, also when nobody waits for it any more.
if [ "$(leader)" = "$1" ]; then exit 0; fi
said=$(order /failover "$2")
status=$(printf '%s\n' "$said" | tail -n 1)
taken "$status"
case $status in
  400 | 412) echo "Patroni answered $status: $(words "$said")" >&2 && exit 1 ;;
esac
while now=$(date +%s) && [ "$now" -lt "$until" ]; do
  who=$(leader)
  case $who in
    "$1") exit 0 ;;
    '') ;;
    *) echo "$who leads now, not $1; Patroni answered $status: $(words "$said")" >&2 && exit 1 ;;
  esac
  sleep 0.3
done
# It was ordered, and may come yet: what is awaited is for the plan to say.

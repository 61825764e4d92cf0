# Waits until an order to make $1 the leader has lapsed: Patroni looks for one every loop_wait, 10 s by default, and takes none
# back.
until=$(($(date +%s) + 30))
while [ "$(date +%s)" -lt "$until" ]; do
  if [ "$(leader)" = "$1" ]; then echo "$1 leads: the failover was carried out" >&2 && exit 3; fi
  sleep 0.5
done

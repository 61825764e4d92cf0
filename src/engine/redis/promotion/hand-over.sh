# Hands the role of the master here over to the replica that it lists as $2:$3. Writes wait until that has everything, $4 ms
# at the most; then all is as before. Clients are sent away: they find the new master by the way they came.
case $(replication) in
  *role:master*) ;;
  *"master_host:$2"*) exit 0 ;;
  *) echo "it is no master" >&2; exit 1 ;;
esac
said=$(ask FAILOVER TO "$2" "$3" TIMEOUT "$4")
if [ "$said" != OK ]; then
  echo "FAILOVER: $said" >&2
  exit 1
fi
until=$(($(date +%s) + 50))
while [ "$(date +%s)" -lt "$until" ]; do
  info=$(replication)
  case $info in *master_failover_state:no-failover*) break ;; esac
  sleep 0.05
done
case $info in
  *role:slave*) ;;
  *) echo "it stays the master: $2:$3 has not taken over within $4 ms" >&2; exit 1 ;;
esac
ask CLIENT KILL TYPE normal SKIPME yes >/dev/null
keep

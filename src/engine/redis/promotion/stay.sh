# Stays the master: a hand-over that waits for the replica is given up. One that has come further ends by itself.
info=$(replication)
case $info in
  *master_failover_state:waiting-for-sync*) ask FAILOVER ABORT >/dev/null; exit 1 ;;
  *master_failover_state:failover-in-progress*) echo "the hand-over is under way" >&2; exit 1 ;;
  *role:master*) exit 0 ;;
  *role:slave*) echo "the hand-over was carried out" >&2; exit 3 ;;
esac
exit 1

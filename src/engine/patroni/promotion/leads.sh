# Makes `leader`, which prints whom Patroni's store has as the leader, and `runs`, which tells whether the server here does.
leader() {
  fetch "$base/cluster" | tr '{' '\n' | grep '"role": *"leader"' | sed 's/.*"name": *"\([^"]*\)".*/\1/'
}
runs() {
  case $(fetch "$base/patroni") in *'"state": "running"'*'"role": "'[pm]*) return 0 ;; esac
  return 1
}
# Waits until $2 leads (0), anybody but $1 and $2 does (3), or $1 has gone on leading, with its server running, for 5 s in
# a row (1). An order that Patroni has taken stops that server within a moment. Gives up at the time in $until (2).
settle() {
  since=
  while now=$(date +%s) && [ "$now" -lt "$until" ]; do
    who=$(leader)
    case $who in
      "$2") return 0 ;;
      "$1") if runs; then since=${since:-$now}; else since=; fi ;;
      '') since= ;;
      *) return 3 ;;
    esac
    if [ -n "$since" ] && [ $((now - since)) -ge 5 ]; then return 1; fi
    sleep 0.3
  done
  return 2
}
until=$(($(date +%s) + 50))

# Begins `nodetool decommission`, run by the script $1, and sees whether it is refused. It goes on by itself for hours.
log=/tmp/kubectl-stateful-decommission.log
(
  if command -v setsid >/dev/null 2>&1; then setsid sh -c "$1" kubectl-stateful decommission; else sh -c "$1" kubectl-stateful decommission; fi
  echo "exit code $?"
) >"$log" 2>&1 </dev/null &
# A refusal comes within seconds; what is still running then was accepted.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  sleep 1
  case "$(tail -n 1 "$log")" in
    'exit code 0') exit 0 ;;
    'exit code '*)
      grep -v '^exit code ' "$log" >&2
      exit 1 ;;
  esac
done
exit 0

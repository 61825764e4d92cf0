# Takes the node of this very container out of its cluster: every other node forgets it, and then it forgets them.
# $2 is its id. It may be run twice.
own=$(ask CLUSTER MYID)
if [ "$own" != "$2" ]; then
  echo "the node here is $own, not $2" >&2
  exit 1
fi
nodes=$(ask CLUSTER NODES)
while read -r _ address flags _; do
  case $flags in '' | *myself* | *noaddr* | *handshake*) continue ;; esac
  address=${address%%@*}
  # A node that is forgotten comes back by gossip after a minute: all the others have to hear of it before.
  said=$(ask -h "${address%:*}" -p "${address##*:}" CLUSTER FORGET "$own" </dev/null 2>&1)
  case $said in
    OK | *'Unknown node'*) ;;
    *) echo "$address does not forget it: $said" >&2; exit 1 ;;
  esac
done <<N
$nodes
N
# RESET empties a replica, and refuses to where a master has keys. FLUSHALL makes the disk agree: a node that starts with old
# keys takes their slots for its own, and would bring that into the cluster when it is taken back.
for command in 'CLUSTER RESET SOFT' FLUSHALL; do
  # shellcheck disable=SC2086 # words
  said=$(ask $command)
  if [ "$said" != OK ]; then
    echo "$command: $said" >&2
    exit 1
  fi
done

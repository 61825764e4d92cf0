# Lets the replica here take over from its master in the cluster; the master keeps its clients waiting until the replica
# has everything, or, where $2 says FORCE, is not asked.
mine() { ask CLUSTER NODES | grep myself; }
case $(mine) in *myself,master*) exit 0 ;; esac
said=$(ask CLUSTER FAILOVER ${2:+"$2"})
if [ "$said" != OK ]; then
  echo "CLUSTER FAILOVER: $said" >&2
  exit 1
fi
until=$(($(date +%s) + 20))
while [ "$(date +%s)" -lt "$until" ]; do
  case $(mine) in *myself,master*) exit 0 ;; esac
  sleep 0.05
done
echo "it has not taken over within 20 s: its master did not answer, or most masters did not vote for it" >&2
exit 1

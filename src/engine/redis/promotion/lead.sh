# Has the replica here follow nobody any more: it takes writes, also after a restart.
case $(replication) in
  *role:master*) ;;
  *)
    said=$(ask REPLICAOF NO ONE)
    case $said in
      OK*) ;;
      *) echo "REPLICAOF NO ONE: $said" >&2; exit 1 ;;
    esac ;;
esac
keep

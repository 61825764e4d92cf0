# Stays a replica. One that takes writes already says so.
case $(replication) in
  *role:slave*) exit 0 ;;
  *role:master*) echo "it is a master already" >&2; exit 3 ;;
esac
exit 1

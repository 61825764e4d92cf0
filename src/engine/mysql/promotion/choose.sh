# Lets the group make a member its primary. $1 its UUID, $2 how many seconds running transactions may take.
echo "SELECT group_replication_set_as_primary('$1', $2);" | run >/dev/null

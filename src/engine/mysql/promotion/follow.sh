# Lets a replica follow another source, with what it connects with now. $1 host, $2 port.
echo "$stop; $change = '$1', $port = $2, $gtid; $start;" | run

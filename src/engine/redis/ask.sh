# Prints what the server says, each answer after `== NAME`, over one connection, and `== end`. Nothing is changed.
answer=$(printf '%s\n' 'ECHO "== server"' 'INFO server' 'ECHO "== replication"' 'INFO replication' \
  'ECHO "== persistence"' 'INFO persistence' 'ECHO "== save"' 'CONFIG GET save' 'ECHO "== appendonly"' \
  'CONFIG GET appendonly' 'ECHO "== min-replicas"' 'CONFIG GET min-replicas-to-write' 'ECHO "== keys"' DBSIZE \
  'ECHO "== cluster"' 'CLUSTER INFO' 'ECHO "== nodes"' 'CLUSTER NODES' | ask) || exit
admitted "$answer"
# Connections of sentinels, replicas and whoever else asks for the status are nobody's work.
clients=$(printf '%s\n' 'CLIENT SETNAME kubectl-stateful' 'CLIENT LIST' | ask) || exit
echo '== clients'
case $clients in
  *id=*) printf '%s\n' "$clients" | grep '^id=' |
    grep -vc -e ' name=kubectl-stateful ' -e ' name=sentinel-' -e ' flags=[^ ]*[SM]' ;;
  *) printf '%s\n' "$clients" ;;
esac
echo '== end'

# Lets the server here follow the one at $2:$3.
said=$(ask REPLICAOF "$2" "$3")
case $said in
  OK*) ;;
  *) echo "REPLICAOF: $said" >&2; exit 1 ;;
esac
keep

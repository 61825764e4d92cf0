# Lets the server at $2:$3, which was given up, follow the one here, known as $4:$5, as soon as it answers.
case $(ask -h "$2" -p "$3" INFO replication | tr -d '\r') in
  *"master_host:$4"*) exit 0 ;;
  *role:*) ;;
  *) echo "$2 does not answer yet" >&2; exit 1 ;;
esac
said=$(ask -h "$2" -p "$3" REPLICAOF "$4" "$5")
case $said in
  OK*) ;;
  *) echo "REPLICAOF at $2: $said" >&2; exit 1 ;;
esac
said=$(ask -h "$2" -p "$3" CONFIG REWRITE)
case $said in
  OK | *'without a config file'*) ;;
  *) echo "CONFIG REWRITE at $2: $said" >&2; exit 1 ;;
esac

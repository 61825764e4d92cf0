# Makes `keep`, which writes into the configuration file what the server here is, so that it is the same after a restart. A
# server without such a file has nowhere to write it.
keep() {
  said=$(ask CONFIG REWRITE)
  case $said in
    OK | *'without a config file'*) ;;
    *) echo "CONFIG REWRITE: $said" >&2; exit 1 ;;
  esac
}
# Prints what the server says of replication.
replication() { ask INFO replication | tr -d '\r'; }

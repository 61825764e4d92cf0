# Has the sentinel of this very container forget what it knows of the master $2, and look for it anew. It may be run twice.
said=$(ask SENTINEL RESET "$2")
case $said in
  1) ;;
  *) echo "SENTINEL RESET $2: $said" >&2; exit 1 ;;
esac

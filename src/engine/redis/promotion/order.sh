# Orders the sentinel here to replace the master $2 without asking the others. One that is at it already goes on.
said=$(ask SENTINEL FAILOVER "$2")
case $said in
  OK | *INPROG*) ;;
  *) echo "SENTINEL FAILOVER $2: $said" >&2; exit 1 ;;
esac

# Tells the sentinel here to replace the master $2, as soon as there is a line to read.
read -r _ || exit 1
said=$(ask SENTINEL FAILOVER "$2")
if [ "$said" != OK ]; then
  echo "SENTINEL FAILOVER $2: $said" >&2
  exit 1
fi

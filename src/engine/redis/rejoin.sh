# Takes a node that left back into the cluster of this very container: $2 is its host, $3 its id, and $4 the id of the
# master that it shall follow, if any. It may be run twice.
own=$(ask -h "$2" CLUSTER MYID)
if [ "$own" != "$3" ]; then
  echo "the node at $2 is $own, not $3" >&2
  exit 1
fi
here=$(ask CLUSTER NODES | grep myself | cut -d ' ' -f 2)
here=${here%%@*}
said=$(ask -h "$2" CLUSTER MEET "${here%:*}" "${here##*:}")
if [ "$said" != OK ]; then
  echo "CLUSTER MEET: $said" >&2
  exit 1
fi
if [ -z "${4-}" ]; then exit 0; fi
# It has to hear of its master first.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  said=$(ask -h "$2" CLUSTER REPLICATE "$4")
  if [ "$said" = OK ]; then exit 0; fi
  sleep 1
done
echo "CLUSTER REPLICATE: $said" >&2
exit 1

# Has Patroni move the leader from $1, which runs here, to $2, by the order $3. It is sent once; what Patroni's store says
# afterwards decides: also an answer of 503 may be that of a switchover that goes on, and one of 412 that of one that was
# ordered before.
if [ "$(leader)" = "$2" ]; then exit 0; fi
said=$(order /switchover "$3")
status=$(printf '%s\n' "$said" | tail -n 1)
taken "$status"
settle "$1" "$2"
case $? in
  0) exit 0 ;;
  1) echo "$1 goes on leading; Patroni answered $status: $(words "$said")" >&2 ;;
  3) echo "$who leads now, neither $1 nor $2; Patroni answered $status: $(words "$said")" >&2 ;;
  # It was ordered, and goes on: what is awaited is for the plan to say.
  *) exit 0 ;;
esac
exit 1

# Sends an order without content, which Patroni refuses as such, and not by whom it comes from: whoever may send this one may
# send any.
said=$(order /switchover '{}')
status=$(printf '%s\n' "$said" | tail -n 1)
taken "$status"
if [ "$status" != 400 ]; then
  echo "Patroni answered $status to an empty order, which it should refuse with 400: $(words "$said")" >&2
  exit 1
fi

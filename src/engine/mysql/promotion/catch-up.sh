# Waits until this server has executed all that is read from the input.
all=$(tr -d '\n ')
# There may be nothing yet.
if [ -z "$all" ]; then exit 0; fi
got=$(echo "$wait('$all', 30);" | run)
if [ "$got" != 0 ]; then
  echo "it has not executed everything within 30 s" >&2
  exit 1
fi

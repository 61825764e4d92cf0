# Waits until nothing of a switchover from $1 to $2 is on its way any more, and says who leads: Patroni takes no order back.
settle "$1" "$2"
case $? in
  1) exit 0 ;;
  0) echo "$2 leads: the switchover was carried out" >&2 && exit 3 ;;
  3) echo "$who leads, neither $1 nor $2" >&2 && exit 3 ;;
  *) echo "it is not known who leads" >&2 && exit 1 ;;
esac

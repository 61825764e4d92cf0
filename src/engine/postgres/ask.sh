# $1 is the statement.
ask() { psql -XAtqw "$@" -U "${user:-postgres}" -d postgres -c "$statement"; }
statement=$1
ask
code=$?
# 2: no connection. Some servers admit root over TCP only.
if [ "$code" -eq 2 ]; then ask -h 127.0.0.1; code=$?; fi
exit "$code"

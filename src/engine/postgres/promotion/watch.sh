# Waits for a stopped primary to come back as a standby. One that takes writes is stopped at once, and 3 says so.
set -eu
if [ "$standby" = true ]; then exit 0; fi
: >"$dir/standby.signal"
own "$dir/standby.signal"
kill -QUIT "$(head -n 1 "$dir/postmaster.pid")"
echo "IT CAME BACK AS A SECOND PRIMARY AND WAS STOPPED: its start-up removes standby.signal; whatever was written to it is not on the new primary" >&2
exit 3

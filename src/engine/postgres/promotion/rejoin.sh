# Makes the data of a primary that was given up those of a standby, in a pod of its own. What a standby connects with is given.
# $1 data directory, $2 host and $3 port of the primary, $4 its slot there, empty for none, $5 where it is given.
set -eu
until [ -e "$5" ]; do sleep 0.1; done
follow=$(cat "$5")
dir=$1
owner=$(stat -c %u "$dir")
# The server's programs refuse to run as root.
as() {
  if [ "$(id -u)" = "$owner" ]; then "$@"
  elif command -v gosu >/dev/null; then gosu "$owner" "$@"
  elif command -v setpriv >/dev/null; then setpriv --reuid "$owner" --regid "$(stat -c %g "$dir")" --clear-groups "$@"
  else su-exec "$owner" "$@"; fi
}
if ! command -v pg_rewind >/dev/null; then
  for bin in /usr/lib/postgresql/*/bin /opt/bitnami/postgresql/bin /usr/pgsql-*/bin; do
    if [ -x "$bin/pg_rewind" ]; then PATH="$bin:$PATH"; fi
  done
fi
if [ -e "$dir/PG_VERSION" ] && as pg_rewind -D "$dir" --source-server="host='$2' port='$3' user='${user:-postgres}' dbname=postgres" >&2; then
  how='rewound'
else
  # What is there is of no use any more, and a copy needs an empty directory.
  find "$dir" -mindepth 1 -delete
  as pg_basebackup -D "$dir" -X stream -c fast ${4:+-S "$4"} -d "$follow" >&2
  how='copied anew'
fi
rm -f "$dir"/kubectl-stateful.* "$dir/recovery.signal"
quoted() { printf %s "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g"; }
auto="$dir/postgresql.auto.conf"
{
  grep -vE '^ *(primary_conninfo|primary_slot_name|default_transaction_read_only) *=' "$auto" || true
  printf "primary_conninfo = '%s'\n" "$(quoted "$follow")"
  printf "primary_slot_name = '%s'\n" "$4"
} >"$auto.new"
chown --reference="$auto" "$auto.new"
chmod 600 "$auto.new"
mv "$auto.new" "$auto"
: >"$dir/standby.signal"
chown --reference="$auto" "$dir/standby.signal"
sync
echo "$how"

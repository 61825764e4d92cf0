# Runs `nodetool $1` against the node of this very container and prints what it says, then `end`. Nothing is changed.
# Secrets are expanded here, inside the container, and reach nodetool by its input only.
nodetool=
for place in nodetool "${CASSANDRA_HOME-}/bin/nodetool" /opt/cassandra/bin/nodetool /opt/bitnami/cassandra/bin/nodetool \
  /opt/dse/bin/nodetool; do
  if command -v "$place" >/dev/null 2>&1; then nodetool=$place; break; fi
done
if [ -z "$nodetool" ]; then
  echo "there is no nodetool to ask with" >&2
  exit 127
fi
configuration() {
  for place in "${CASSANDRA_CONF-}" "${CASSANDRA_HOME-}/conf" /etc/cassandra /opt/cassandra/conf \
    /opt/bitnami/cassandra/conf /opt/dse/resources/cassandra/conf; do
    if [ -r "$place/cassandra.yaml" ]; then printf %s "$place/cassandra.yaml"; return; fi
  done
}
# Prints the class that checks logins: behind its key, or on the line `class_name` below it.
authenticator() {
  below=
  while read -r line; do
    case "$below$line" in
      authenticator:*) class=${line#authenticator:} ;;
      below:class_name*) class=${line#*:} ;;
      *) continue ;;
    esac
    # shellcheck disable=SC2086 # cut into words
    set -- $class
    case "${1-}" in '' | '#'*) below=below: ;; *) printf 'authenticator %s\n' "$1"; return ;; esac
  done <"$1"
  echo 'authenticator default'
}
# Prints whom the node turns to when it starts, as it is written.
seeds() {
  while read -r line; do
    case "$line" in
      '#'*) ;;
      seeds:* | *[!a-z_]seeds:*) printf 'seeds %s\n' "${line#*seeds:}"; return ;;
    esac
  done <"$1"
}

# Prints how many connections the port for clients has; the kernel knows, and needs no second JVM.
connections() {
  port=
  if [ -n "$1" ]; then
    while read -r key value _; do if [ "$key" = native_transport_port: ]; then port=$value; fi; done <"$1"
  fi
  local_end=$(printf ':%04X' "${port:-9042}")
  [ -r /proc/net/tcp ] || return 0
  number=0
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r _ here _ state _; do
      case "$here $state" in *"$local_end 01") number=$((number + 1)) ;; esac
    done <"$table"
  done
  echo "connections $number"
}
# An agent of the server is not nodetool's, and so short a life needs no second compiler.
export JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1
unset JDK_JAVA_OPTIONS _JAVA_OPTIONS
what=$1
first=
case $what in
  info)
    file=$(configuration)
    if [ -n "$file" ]; then authenticator "$file"; seeds "$file"; fi
    connections "$file" ;;
  status) ;;
  # The others wait for these two, without which nobody is anybody.
  *) if command -v nice >/dev/null 2>&1; then first='nice -n 10'; fi ;;
esac
user=$(given CASSANDRA_JMX_USERNAME CASSANDRA_JMX_USER JMX_USERNAME)
password=$(given CASSANDRA_JMX_PASSWORD JMX_PASSWORD)
set --
port=$(given CASSANDRA_JMX_PORT_NUMBER)
if [ -n "$port" ]; then set -- -p "$port"; fi
if [ -n "$password" ]; then set -- "$@" -u "${user:-cassandra}" -pwf /dev/stdin; fi
ask() { printf '%s %s\n' "${user:-cassandra}" "$password" | $first "$nodetool" "$@"; }
# What Java says about its options is no complaint.
{ complaint=$(ask "$@" "$what" 2>&1 >&3 3>&-); } 3>&1
code=$?
if [ "$code" -eq 0 ]; then echo end; fi
printf '%s\n' "$complaint" | while read -r line; do
  case "$line" in '' | 'Picked up '* | 'NOTE: Picked up '*) ;; *) printf '%s\n' "$line" >&2 ;; esac
done
exit "$code"

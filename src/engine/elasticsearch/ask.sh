# Prints one document a line, each after its word, and `end`. Nothing is written to the cluster, unless a change is given:
# $1 is then the method, $2 the path, and $3 the document to send.
# Secrets are expanded here, inside the container, and reach the client by its input or environment only.
port=${ELASTICSEARCH_HTTP_PORT_NUMBER:-${OPENSEARCH_HTTP_PORT_NUMBER:-$(printenv http.port 2>/dev/null)}}
port=${port:-9200}
if ! command -v curl >/dev/null 2>&1 && ! command -v python3 >/dev/null 2>&1; then
  echo "neither curl nor python3 to ask with" >&2
  exit 127
fi
user=$(given ELASTIC_USERNAME ELASTICSEARCH_USERNAME)
user=${user:-elastic}
password=$(given ELASTIC_PASSWORD ELASTICSEARCH_PASSWORD)
if [ -z "$password" ]; then
  user=$(given OPENSEARCH_USERNAME)
  user=${user:-admin}
  password=$(given OPENSEARCH_PASSWORD OPENSEARCH_INITIAL_ADMIN_PASSWORD)
fi
# The operator of Elastic keeps the password of a user who may only look.
if [ -z "$password" ] && [ -r "${PROBE_PASSWORD_PATH-}" ]; then
  user=${PROBE_USERNAME:-elastic-internal-probe}
  password=$(cat "$PROBE_PASSWORD_PATH")
fi
# Asks for $1, or sends what else is given: a method and a document.
get() {
  if command -v curl >/dev/null 2>&1; then
    if [ $# -gt 1 ]; then set -- -X "$2" -H 'Content-Type: application/json' -d "$3" --max-time 40 "$1"; else set -- --max-time 2 "$1"; fi
    set -- -sk -g --noproxy '*' --connect-timeout 1 "$@"
    if [ -z "$password" ]; then curl "$@"; return; fi
    printf '%s:%s' "$user" "$password" | sed 's/[\\"]/\\&/g; s/^/user = "/; s/$/"/' | curl -K - "$@"
  else
    ASK_USER=$user ASK_PASSWORD=$password python3 -c '
import base64, os, ssl, sys, urllib.error, urllib.request as web
lax = ssl._create_unverified_context()
request = web.Request(sys.argv[1])
wait = 2
if len(sys.argv) > 2:
    request = web.Request(sys.argv[1], sys.argv[3].encode(), {"Content-Type": "application/json"}, method=sys.argv[2])
    wait = 40
user, password = os.environ["ASK_USER"], os.environ["ASK_PASSWORD"]
if password:
    request.add_header("Authorization", "Basic " + base64.b64encode((user + ":" + password).encode()).decode())
opener = web.build_opener(web.ProxyHandler({}), web.HTTPSHandler(context=lax))
try:
    answer = opener.open(request, timeout=wait)
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.write(answer.read().decode())' "$@" 2>/dev/null
  fi
}
# Asks $2 and prints it after the word $1; what is no document is left out.
tell() {
  body=$(get "$base$2" | tr -d '\r\n')
  case "$body" in '{'* | '['*) printf '%s %s\n' "$1" "$body" ;; esac
}
# Some listen on the pod's address only, some with TLS only; a wrong scheme answers without a document.
for host in 127.0.0.1 "${POD_IP-}" $(hostname -i 2>/dev/null); do
  case "$host" in '') continue ;; *:*) host="[$host]" ;; esac
  for scheme in http https; do
    base="$scheme://$host:$port"
    tell root /
    [ -n "$body" ] || continue
    if [ -n "${1-}" ]; then
      body=$(get "$base$2" "$1" "${3-}")
      # Voting exclusions answer with nothing where all is well.
      case "$body" in *'"error"'*) printf '%s\n' "$body" >&2; exit 1 ;; esac
      exit 0
    fi
    # What a node knows by itself: it answers at once, also without a master.
    tell state '/_cluster/state/master_node,metadata?local=true&filter_path=cluster_uuid,master_node,metadata.cluster_coordination'
    case "$body" in *'"master_node":"'*) master=yes ;; *) master= ;; esac
    tell stats '/_nodes/_local/stats/http?filter_path=nodes.*.name,nodes.*.roles,nodes.*.http.current_open'
    # The rest waits for a master, and would wait long where there is none.
    if [ -n "$master" ]; then
      tell health /_cluster/health
      tell nodes '/_cat/nodes?format=json&full_id=true&h=id,name,node.role'
      tell shards '/_cat/shards?format=json&h=index,shard,prirep,state,node'
      tell settings '/_cluster/settings?flat_settings=true'
      tell defaults '/_cluster/settings?flat_settings=true&include_defaults=true&filter_path=defaults.cluster*disk*'
      tell disks '/_cat/allocation?format=json&bytes=b&h=node,disk.indices,disk.used,disk.total'
    fi
    echo end
    exit 0
  done
done
echo "nothing answers on port $port" >&2
exit 1

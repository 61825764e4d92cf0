# Prints two lines: the member's own view and the cluster's, each after its word. Nothing is written to Patroni.
port=${APIPORT:-${PATRONI_RESTAPI_LISTEN:-}}
port=${port##*:}
port=${port:-8008}
if ! command -v curl >/dev/null 2>&1 && ! command -v python3 >/dev/null 2>&1; then
  echo "neither curl nor python3 to ask Patroni with" >&2
  exit 127
fi
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -sk --noproxy '*' --connect-timeout 1 --max-time 2 "$1"
  else
    python3 -c '
import ssl, sys, urllib.request as web
lax = ssl._create_unverified_context()
opener = web.build_opener(web.ProxyHandler({}), web.HTTPSHandler(context=lax))
sys.stdout.write(opener.open(sys.argv[1], timeout=2).read().decode())' "$1" 2>/dev/null
  fi
}
# Some listen on the pod's address only, some with TLS only; a wrong scheme answers without a document.
for host in 127.0.0.1 "${PATRONI_KUBERNETES_POD_IP-}" "${POD_IP-}" $(hostname -i 2>/dev/null); do
  case "$host" in '') continue ;; *:*) host="[$host]" ;; esac
  for scheme in http https; do
    base="$scheme://$host:$port"
    body=$(fetch "$base/patroni")
    case "$body" in
      '{'*)
        printf 'patroni %s\n' "$body"
        body=$(fetch "$base/cluster")
        case "$body" in '{'*) printf 'cluster %s\n' "$body" ;; esac
        exit 0 ;;
    esac
  done
done
echo "Patroni's REST API does not answer on port $port" >&2
exit 1

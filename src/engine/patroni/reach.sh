# Makes `fetch`, which prints what the REST API of this very container says at an address, and `reach`, which finds where it
# answers: `base`, with what the member says of itself in `own`. Only reading needs no name and password.
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
reach() {
  for host in 127.0.0.1 "${PATRONI_KUBERNETES_POD_IP-}" "${POD_IP-}" $(hostname -i 2>/dev/null); do
    case "$host" in '') continue ;; *:*) host="[$host]" ;; esac
    for scheme in http https; do
      base="$scheme://$host:$port"
      own=$(fetch "$base/patroni")
      case "$own" in '{'*) return ;; esac
    done
  done
  echo "Patroni's REST API does not answer on port $port" >&2
  exit 1
}
reach

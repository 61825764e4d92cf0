# Makes `order`, which sends the document $2 to the path $1 once, and prints the answer and, on the last line, its status:
# 000 where there was none. Name and password reach the client by its input or its environment.
name=$(given PATRONI_RESTAPI_USERNAME)
password=$(given PATRONI_RESTAPI_PASSWORD)
order() {
  if command -v curl >/dev/null 2>&1; then
    quoted=$(printf %s "$name:$password" | sed 's/[\\"]/\\&/g')
    if [ -n "$name" ]; then printf 'user = "%s"\n' "$quoted"; fi |
      curl -sk --noproxy '*' --config - --connect-timeout 2 --max-time 45 -H 'Content-Type: application/json' \
        --data "$2" -w '\n%{http_code}\n' "$base$1"
  else
    NAME=$name PASSWORD=$password python3 -c '
import base64, os, ssl, sys, urllib.error, urllib.request as web
lax = ssl._create_unverified_context()
opener = web.build_opener(web.ProxyHandler({}), web.HTTPSHandler(context=lax))
order = web.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"}, method="POST")
who = os.environ["NAME"] + ":" + os.environ["PASSWORD"]
if os.environ["NAME"]:
    order.add_header("Authorization", "Basic " + base64.b64encode(who.encode()).decode())
try:
    answer = opener.open(order, timeout=45)
except urllib.error.HTTPError as refused:
    answer = refused
except OSError:
    print("\n000")
    sys.exit()
print(answer.read().decode(errors="replace"), answer.status, sep="\n")' "$base$1" "$2"
  fi
}
# Prints what an answer says, in one line.
words() { printf '%s\n' "$1" | sed '$d' | sed 's/<[^>]*>//g' | tr -s ' \n' ' '; }
# Complains where the status $1 says that orders are not taken from here at all.
taken() {
  case $1 in
    401) echo "Patroni wants a name and password for orders; those of the container (PATRONI_RESTAPI_USERNAME) are not the ones" >&2 ;;
    403) echo "Patroni takes no orders from inside this container (restapi.allowlist, restapi.verify_client)" >&2 ;;
    *) return 0 ;;
  esac
  exit 1
}

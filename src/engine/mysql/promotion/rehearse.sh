# Connects to another server as a replica would: the name and the password are read from the input. $1 host, $2 port.
read -r name password
name=$(echo "SELECT UNHEX('$name');" | run)
MYSQL_PWD=$(echo "SELECT UNHEX('$password');" | run)
if [ -z "$name" ]; then
  echo "the candidate does not say what it connects with" >&2
  exit 1
fi
export MYSQL_PWD
if [ "$family" = mysql ]; then set -- "$1" "$2" --get-server-public-key; fi
host=$1 port=$2
shift 2
echo 'SELECT 1;' | "$client" --connect-timeout=5 --batch -h "$host" -P "$port" -u "$name" "$@" >/dev/null

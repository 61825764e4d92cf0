# Prints what a standby of this new primary is to connect with: what it connected with itself while it was one, with other words.
# $1 host, $2 port, $3 what the standby calls itself. Whoever is rewound to it reads its last checkpoint.
set -eu
on -c CHECKPOINT
conninfo=$(lead "$(on -c 'SHOW primary_conninfo')" "host='$1' hostaddr='' port='$2' application_name='$3'")
if [ -z "$conninfo" ]; then
  echo "there is no primary_conninfo to go by, or it is a URI, or too long" >&2
  exit 1
fi
printf '%s\n' "$conninfo"

# shellcheck shell=bash
# Where everything of a cluster lives. All of it follows from the cluster's name and a small index.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-stateful
CLUSTERS=${KUBECTL_STATEFUL_CLUSTERS:-/var/tmp/kubectl-stateful-clusters}
MAX_NODES=99

say() { printf '%s\n' "$*"; }
die() {
  printf 'cluster: %s\n' "$*" >&2
  exit 1
}
number() {
  [[ ${1-} =~ ^[0-9]+$ ]] || die "not a number: '${1-}'"
  echo "$((10#$1))"
}

name_set() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,30}$ ]] || die "a name is small letters, digits and dashes, at most 31: '$1'"
  NAME=$1
  STATE=$CLUSTERS/$NAME
  GROUPS_DIR=$GROUPS_ROOT/$NAME
  if [ -f "$STATE/index" ]; then addresses_set "$(<"$STATE/index")"; fi
}

# Each cluster owns 10.X.0.0/16 and the loopback address 127.X.0.1, so ports need not differ between two of them:
#   10.X.0.1 the host's side of the bridge (API server, DNS), 10.X.0.N+10 node N,
#   10.X.64.0/18 services, 10.X.N+128.0/24 the pods of node N; 127.X.0.1 what only the control plane may reach
addresses_set() {
  local net=$((100 + $1))
  HOST=10.$net.0.1
  LOOPBACK=127.$net.0.1
  SERVICES=10.$net.64.0/18
  SERVICE_API=10.$net.64.1
  PODS=10.$net.128.0/17
  BRIDGE=ks$1
}
node_ip() { echo "${HOST%.1}.$((10 + $1))"; }
node_pods() { echo "${HOST%.0.1}.$((128 + $1)).0/24"; }
node_netns() { echo "$NAME-node-$1"; }
node_veth() { echo "$BRIDGE-n$1"; }
node_dir() { echo "$STATE/node-$1"; }
kubeconfig_path() { echo "$STATE/kubeconfig"; }
kubectl() { "$BIN/kubectl" --kubeconfig "$(kubeconfig_path)" "$@"; }

# The index is taken once and kept for as long as the state lives.
state_create() {
  if [ ! -f "$STATE/index" ]; then
    [ -z "$(processes_in "$GROUPS_DIR")" ] || die "a cluster named $NAME runs already, with its state in another directory"
    mkdir -p "$STATE"
    locked .index index_take
    addresses_set "$(<"$STATE/index")"
  fi
}
index_take() {
  local index=0
  if [ "$NAME" != stateful ]; then
    index=1
    while grep -qsx "$index" "$CLUSTERS"/*/index || [ -n "$(ip route show root "10.$((100 + index)).0.0/16")" ]; do
      index=$((index + 1))
      ((index < 100)) || die "no free network among 10.100.0.0/16 to 10.199.0.0/16"
    done
  fi
  echo "$index" >"$STATE/index"
}

# One at a time per lock name. Services close descriptor 9, else they would hold the lock for as long as they live.
locked() {
  local lock=$1
  shift
  mkdir -p "$CACHE/locks"
  (
    flock -n 9 || {
      say "waiting for another run that holds $lock" >&2
      flock -w 1800 9 || die "gave up after 1800s waiting for the lock $CACHE/locks/$lock"
    }
    "$@"
  ) 9>"$CACHE/locks/$lock"
}

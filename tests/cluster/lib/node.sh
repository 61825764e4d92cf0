# shellcheck shell=bash
# A node: its own network namespace and its own mount namespace, in which /run, /var/lib and /var/log are the node's own. So the
# usual paths hold inside (/var/lib/kubelet, /run/containerd), no node sees another's volumes, and every mount ends with the node.

nodes_start() { # COUNT
  local n
  for n in $(seq "$1"); do node_start "$n"; done
}
nodes_ready() { # COUNT
  local n
  for n in $(seq "$1"); do wait_for 60 "node-$n to be Ready" "node-$n/kubelet" node_ready "$n"; done
}
# Asks the kubelet itself too: what the API says may be from before a restart.
node_ready() { # N
  kubectl wait --for=condition=Ready "node/node-$1" --timeout=0 && [ "$(kubectl get --raw "/api/v1/nodes/node-$1/proxy/healthz")" = ok ]
}

node_start() { # N
  local n=$1 dir
  [ -f "$STATE/index" ] || die "$NAME is down"
  dir=$(node_dir "$n")
  node_network "$n"
  mkdir -p "$dir"/{lib,log}
  [ -d "$dir/lib/containerd" ] || store_copy "$dir/lib/containerd"
  node_configure "$n" "$dir/lib/node"
  # nsenter, not "ip netns exec": the latter remounts /sys and hides the control groups
  service "node-$n/containerd" nsenter --net="/run/netns/$(node_netns "$n")" unshare --mount "$HERE/lib/node-root" "$dir" "$BIN" \
    containerd --config /var/lib/node/containerd.toml
  wait_for 20 "containerd of node-$n" "node-$n/containerd" node_run "$n" ctr version
  store_update "$n"
  local enter=(nsenter --target "$(node_pid "$n")" --mount --net)
  groups_make "node-$n/pods" # the kubelet wants to find it
  service "node-$n/kubelet" "${enter[@]}" /opt/kubelet --kubeconfig=/var/lib/node/kubeconfig --config=/var/lib/node/kubelet.yaml \
    --cert-dir=/var/lib/node/pki --hostname-override="node-$n" --node-ip="$(node_ip "$n")" \
    --node-labels="topology.kubernetes.io/region=local,topology.kubernetes.io/zone=$(zone "$n")"
  service "node-$n/kube-proxy" "${enter[@]}" /opt/kube-proxy --config=/var/lib/node/proxy.yaml
}
zone() { local zones=(a b c); echo "${zones[($1 - 1) % 3]}"; }

# The containers go on, as on a node that the network has cut off; NotReady follows after 20 s.
node_stop() { kill_groups "$GROUPS_DIR/node-$1/kubelet" "$GROUPS_DIR/node-$1/kube-proxy"; }
node_kill() { kill_groups "$GROUPS_DIR/node-$1"; }

# Containers come and go in the namespaces of the node's containerd, which holds those of the node.
node_pid() { # N
  processes_in "$GROUPS_DIR/node-$1/containerd" | head -n 1 | grep .
}
nodes_running() {
  local group
  for group in "$GROUPS_DIR"/node-*/containerd; do
    if [ -n "$(processes_in "$group")" ]; then group=${group%/containerd} && echo "${group##*/node-}"; fi
  done
}
node_run() { # N COMMAND...
  local pid
  pid=$(node_pid "$1") || return 1
  nsenter --target "$pid" --mount --net "${@:2}"
}

node_network() { # N
  local n=$1 netns veth ip peer
  netns=$(node_netns "$n") veth=$(node_veth "$n") ip=$(node_ip "$n")
  if [ ! -e "/run/netns/$netns" ]; then
    ip netns add "$netns"
    ip link add "$veth" type veth peer name eth0 netns "$netns"
    ip link set "$veth" master "$BRIDGE" up
    ip -n "$netns" addr add "$ip/24" dev eth0
    ip -n "$netns" link set eth0 up
    ip -n "$netns" link set lo up
    ip -n "$netns" route add default via "$HOST"
    nsenter --net="/run/netns/$netns" sysctl -qw net.ipv4.ip_forward=1
  fi
  ip route replace "$(node_pods "$n")" via "$ip"
  for peer in $(ip netns list | sed -nE "s/^$NAME-node-([0-9]+)( .*)?$/\1/p"); do
    [ "$peer" = "$n" ] && continue
    ip -n "$netns" route replace "$(node_pods "$peer")" via "$(node_ip "$peer")"
    ip -n "$NAME-node-$peer" route replace "$(node_pods "$n")" via "$ip"
  done
}

node_configure() { # N DIR
  local n=$1 dir=$2
  mkdir -p "$dir/cni"
  kubeconfig_write "$dir/kubeconfig"
  cp "$STATE/pki/ca.crt" "$dir/ca.crt"
  cat >"$dir/cni/10-bridge.conflist" <<Y
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(node_pods "$n")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
Y
  # Every registry is a closed port of this node: an image that is missing is refused at once, and nothing leaves the machine.
  mkdir -p "$dir/registries/_default"
  echo 'server = "http://127.0.0.1:9"' >"$dir/registries/_default/hosts.toml"
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower oom_score_adj and dies with "can't get final child's PID".
  cat >"$dir/containerd.toml" <<'Y'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "docker.io/local/pause:1"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/var/lib/node/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/var/lib/node/cni"
Y
  # cgroupsPerQOS: its hierarchy wants cpu weights and limits that a cgroup v1 or hybrid machine may not give; cgroupRoot keeps
  # the containers below the cluster's own group all the same.
  cat >"$dir/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: /var/lib/node/ca.crt}, webhook: {enabled: true}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /kubectl-stateful/$NAME/node-$n/pods
cgroupsPerQOS: true
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [$HOST]
clusterDomain: cluster.local
resolvConf: /dev/null
nodeStatusUpdateFrequency: 5s
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
Y
  cat >"$dir/proxy.yaml" <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: node-$n
clientConnection: {kubeconfig: /var/lib/node/kubeconfig}
clusterCIDR: $PODS
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
Y
}

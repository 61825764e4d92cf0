# shellcheck shell=bash
# Hundreds of nodes, and thousands of pods on them, that exist in the API only: KWOK plays their kubelets.

kwok_nodes() { # COUNT
  local have want more less
  running || die "$NAME is down"
  service control-plane/kwok "$BIN/kwok" --config "$HERE/kwok.yaml" --kubeconfig "$(kubeconfig_path)" \
    --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake --cidr=198.18.0.0/15 --server-address="$LOOPBACK:10247" \
    --node-lease-duration-seconds=40
  have=$(kubectl get nodes -l type=kwok -o name | sed 's|node/kwok-||' | sort)
  want=$(seq "$1" | sort)
  more=$(comm -13 <(echo "$have") <(echo "$want") | grep . | while read -r n; do kwok_node "$n"; done || true)
  less=$(comm -23 <(echo "$have") <(echo "$want") | grep . | sed 's|^|node/kwok-|' || true)
  if [ -n "$more" ]; then kubectl create -f - <<<"$more" >/dev/null; fi
  if [ -n "$less" ]; then xargs "$BIN/kubectl" --kubeconfig "$(kubeconfig_path)" delete <<<"$less" >/dev/null; fi
  wait_for 120 "$1 fake nodes to be Ready" control-plane/kwok kwok_ready "$1"
}
kwok_ready() {
  [ "$(kubectl get nodes -l type=kwok --no-headers | grep -c ' Ready ')" = "$1" ]
}
# Tainted, so that no pod lands here unasked.
kwok_node() { # N
  cat <<Y
---
apiVersion: v1
kind: Node
metadata:
  name: kwok-$1
  annotations: {kwok.x-k8s.io/node: fake}
  labels:
    type: kwok
    kubernetes.io/hostname: kwok-$1
    kubernetes.io/os: linux
    kubernetes.io/arch: amd64
    topology.kubernetes.io/region: fake
    topology.kubernetes.io/zone: fake-$(zone "$1")
spec:
  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]
status:
  capacity: {cpu: "64", memory: 256Gi, pods: "500"}
  allocatable: {cpu: "64", memory: 256Gi, pods: "500"}
Y
}

# shellcheck shell=bash
# etcd, API server, controller manager, scheduler and DNS: processes of the host, on addresses that only this cluster has.

control_plane_start() {
  api_start
  controllers_start
}

api_start() {
  local pki=$STATE/pki
  [ -f "$pki/done" ] || certificates
  kubeconfig_write "$(kubeconfig_path)"
  if ! ip link show "$BRIDGE" >/dev/null 2>&1; then
    ip link add "$BRIDGE" type bridge
    ip link set "$BRIDGE" alias "kubectl-stateful/$NAME" # so that down finds it though the state be lost
    ip addr add "$HOST/24" dev "$BRIDGE"
    ip link set "$BRIDGE" up
  fi
  service control-plane/etcd "$BIN/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --quota-backend-bytes=8589934592 \
    --listen-client-urls "http://$LOOPBACK:2379" --advertise-client-urls "http://$LOOPBACK:2379" \
    --listen-peer-urls "http://$LOOPBACK:2380" --initial-advertise-peer-urls "http://$LOOPBACK:2380" --initial-cluster "default=http://$LOOPBACK:2380"
  # The limits of requests and the QPS below are for benchmarks with 10,000 pods and more.
  service control-plane/apiserver "$BIN/kube-apiserver" --etcd-servers="http://$LOOPBACK:2379" \
    --bind-address="$HOST" --advertise-address="$HOST" --secure-port=6443 \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" --cert-dir="$pki" \
    --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" --service-account-issuer=https://kubernetes.default.svc \
    --service-cluster-ip-range="$SERVICES" --authorization-mode=Node,RBAC --allow-privileged=true \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP \
    --max-requests-inflight=4000 --max-mutating-requests-inflight=2000
  wait_for 60 "the API server to be ready" control-plane/apiserver kubectl get --raw /readyz
}

controllers_start() {
  local pki=$STATE/pki
  service control-plane/controller-manager "$BIN/kube-controller-manager" --kubeconfig="$(kubeconfig_path)" --bind-address="$LOOPBACK" --cert-dir="$pki" \
    --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" --use-service-account-credentials=true \
    --leader-elect=false --node-monitor-grace-period=20s --kube-api-qps=500 --kube-api-burst=1000 --concurrent-statefulset-syncs=20
  service control-plane/scheduler "$BIN/kube-scheduler" --kubeconfig="$(kubeconfig_path)" --bind-address="$LOOPBACK" --cert-dir="$pki" \
    --leader-elect=false --kube-api-qps=500 --kube-api-burst=1000
  cat >"$STATE/Corefile" <<Y
.:53 {
  bind $HOST
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $(kubeconfig_path)
    pods insecure
    ttl 1
  }
}
Y
  service control-plane/coredns "$BIN/coredns" -conf "$STATE/Corefile"
}

certificates() {
  local pki=$STATE/pki
  mkdir -p "$pki"
  key "$pki/sa.key"
  openssl pkey -in "$pki/sa.key" -pubout -out "$pki/sa.pub"
  key "$pki/ca.key"
  openssl req -x509 -key "$pki/ca.key" -out "$pki/ca.crt" -days 3650 -subj "/CN=$NAME"
  certificate apiserver /CN=kube-apiserver
  certificate admin /O=system:masters/CN=admin
  touch "$pki/done"
}
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
certificate() { # NAME SUBJECT
  local file=$STATE/pki/$1
  key "$file.key"
  openssl req -new -key "$file.key" -subj "$2" |
    openssl x509 -req -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -CAcreateserial -days 3650 -out "$file.crt" \
      -extfile <(echo "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:$HOST,IP:$SERVICE_API") 2>/dev/null
}

# Everything is inside the file: it may be copied, and read by a node that does not see the host's directories.
kubeconfig_write() { # FILE
  local pki=$STATE/pki
  cat >"$1" <<Y
apiVersion: v1
kind: Config
current-context: $NAME
contexts: [{name: $NAME, context: {cluster: $NAME, user: admin}}]
clusters: [{name: $NAME, cluster: {server: "https://$HOST:6443", certificate-authority-data: $(base64 -w 0 "$pki/ca.crt")}}]
users: [{name: admin, user: {client-certificate-data: $(base64 -w 0 "$pki/admin.crt"), client-key-data: $(base64 -w 0 "$pki/admin.key")}}]
Y
}


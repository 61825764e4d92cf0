# shellcheck shell=bash
# The local-path provisioner, run beside the cluster. Volumes are directories of their node: /var/lib/volumes in there. They are
# of type local, not hostPath: for those the kubelet reports how full they are.

storage_start() {
  kubectl apply -f "$HERE/storage.yaml" >/dev/null
  storage_file config.json
  storage_file helperPod.yaml
  service control-plane/local-path env POD_NAMESPACE=local-path-storage "$BIN/local-path-provisioner" start \
    --config "$STATE/config.json" --helper-pod-file "$STATE/helperPod.yaml" --helper-image docker.io/library/busybox:1 \
    --kubeconfig "$(kubeconfig_path)" --namespace local-path-storage --configmap-name local-path-config --service-account-name local-path
}
# The provisioner reads these from files, its helper pods from the ConfigMap.
storage_file() {
  kubectl get configmap local-path-config -n local-path-storage -o "jsonpath={.data.${1/./\\.}}" >"$STATE/$1"
}

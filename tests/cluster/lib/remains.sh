# shellcheck shell=bash
# What a running cluster leaves on the machine, found by the cluster's name alone and so without its state: processes by control
# group, network namespaces by name, the bridge by its alias. Mounts, pod networks, nft tables and routes end with these.

down() {
  local bridge link netns
  kill_groups "$GROUPS_DIR"
  groups_remove
  # The links one by one: those of a deleted namespace or bridge would linger until the kernel gets round to them.
  for bridge in $(bridges "$NAME"); do
    for link in $(ip -o link show master "$bridge" | sed -E 's/^[0-9]+: ([^:@]+).*/\1/'); do ip link del "$link"; done
    ip link del "$bridge"
  done
  for netns in $(ip netns list | cut -d ' ' -f 1 | grep -xE "$NAME-node-[0-9]+"); do ip netns del "$netns"; done
  # "ip netns add" mounts this directory on itself.
  if [ -d /run/netns ] && [ -z "$(ls /run/netns)" ]; then umount /run/netns 2>/dev/null || true; fi
}
remove() {
  down
  rm -rf "$STATE"
}
clean() {
  local name
  for name in $(names); do
    name_set "$name"
    locked "$name" remove
  done
  rm -rf "$CLUSTERS"
}

bridges() { # NAME
  ip -o link show type bridge | sed -nE "s|^[0-9]+: ([^:@]+).*alias kubectl-stateful/$1 *$|\1|p"
}
names() {
  {
    find "$CLUSTERS" "$GROUPS_ROOT" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null || true
    ip -o link show type bridge | grep -oP 'alias kubectl-stateful/\K[a-z0-9-]+' || true
  } | sort -u
}

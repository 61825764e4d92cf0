# shellcheck shell=bash
# A node's containerd directory with every built image unpacked. It is made once for a set of images and then copied by hard links:
# containers never write to an image's files (overlayfs copies them up first), so the nodes can share them.

store_dir() { echo "$CACHE/store-$(images_built | sha256sum | cut -c 1-16)"; }

store_build() { locked store store_build_alone; }
store_build_alone() {
  local dir work image
  dir=$(store_dir)
  [ ! -d "$dir" ] || return 0
  work=$STATE/store
  rm -rf "$dir.partial" "$work"
  mkdir -p "$dir.partial" "$work"
  cat >"$work/config.toml" <<Y
version = 2
root = "$dir.partial"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/sock"
Y
  service store/containerd unshare --mount containerd --config "$work/config.toml"
  wait_for 20 "containerd to unpack images" store/containerd ctr -a "$work/sock" version
  for image in $(images_built); do
    say "unpacking ${image%-*} once for all nodes"
    ctr -a "$work/sock" -n k8s.io images import "$IMAGES/$image" >/dev/null
  done
  kill_groups "$GROUPS_DIR/store"
  images_built >"$dir.partial/unpacked"
  rm -rf "$work"
  mv -T "$dir.partial" "$dir"
  # Sets that no one used for a week; their files live on in the nodes that link to them.
  find "$CACHE" -maxdepth 1 -name 'store-*' ! -path "$dir" -mtime +7 -exec rm -rf {} +
}

store_copy() { locked store store_copy_alone "$1"; } # TARGET
store_copy_alone() {
  local source
  store_build_alone # another clone, with other images, may have removed it
  source=$(store_dir)
  touch "$source"
  rm -rf "$1.partial"
  # Hard links end at the border of a file system. The databases are written in place, so those are real copies in any case.
  cp -al "$source" "$1.partial" 2>/dev/null || { rm -rf "$1.partial"; cp -a "$source" "$1.partial"; }
  (cd "$source" && find . -name '*.db' -exec cp -a --remove-destination --parents {} "$1.partial" \;)
  mv -T "$1.partial" "$1"
}

# Images that were built after this node got its copy.
store_update() { # N
  local image list
  list=$(node_dir "$1")/lib/containerd/unpacked
  for image in $(images_built); do
    grep -qxF "$image" "$list" || store_load "$1" "$image"
  done
}
store_load() { # N IMAGE
  local list
  list=$(node_dir "$1")/lib/containerd/unpacked
  node_run "$1" ctr -n k8s.io images import - <"$IMAGES/$2" >/dev/null || die "node-$1 did not take the image $2"
  { cat "$list"; echo "$2"; } >"$list.new" # not in place: the file is linked
  mv "$list.new" "$list"
}

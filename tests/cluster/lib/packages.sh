# shellcheck shell=bash
# What the machine must have, and one clear message when it has not.

# command=package
NEEDED=(containerd=containerd runc=runc /usr/lib/cni/bridge=containernetworking-plugins busybox=busybox-static ip=iproute2 nft=nftables
  conntrack=conntrack openssl=openssl python3=python3 mmdebstrap=mmdebstrap nsenter=util-linux flock=util-linux sysctl=procps
  mvn=maven javac=default-jdk-headless)

check_root() { [ "$(id -u)" = 0 ] || die "this needs root: it makes network namespaces, mounts and control groups"; }

check_machine() {
  local item missing=() caps
  check_root
  caps=$((16#$(awk '/^CapEff/ {print $2}' /proc/self/status)))
  ((caps >> 21 & 1)) || die "this needs the capability CAP_SYS_ADMIN: a container without it cannot run a cluster"
  ((caps >> 12 & 1)) || die "this needs the capability CAP_NET_ADMIN: a container without it cannot run a cluster"
  for item in "${NEEDED[@]}"; do command -v "${item%=*}" >/dev/null || missing+=("${item#*=}"); done
  [ ${#missing[@]} = 0 ] || die "packages are missing: run 'cluster packages', or apt-get install ${missing[*]}"
}

packages_install() {
  local item packages=()
  check_root
  for item in "${NEEDED[@]}"; do packages+=("${item#*=}"); done
  command -v go >/dev/null || packages+=(golang-go)
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}" debian-archive-keyring
}

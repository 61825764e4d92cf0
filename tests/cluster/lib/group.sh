# shellcheck shell=bash
# Every process of a cluster, its containers included, is in a control group below kubectl-stateful/NAME. That is how it is found
# again: membership is inherited, cannot be lost with a pid file, and survives the SIGKILL of whoever started it.

if [ -f /sys/fs/cgroup/cgroup.controllers ]; then HIERARCHY=/sys/fs/cgroup; else HIERARCHY=/sys/fs/cgroup/pids; fi
GROUPS_ROOT=$HIERARCHY/kubectl-stateful

processes_in() { # GROUP-DIR...
  find "$@" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}
running() { [ -n "$(processes_in "$GROUPS_DIR")" ]; }

# Start a service unless it runs: service LEAF COMMAND...; LEAF is like control-plane/etcd or node-1/kubelet.
service() {
  local leaf=$1 group=$GROUPS_DIR/$1
  shift
  [ -z "$(processes_in "$group")" ] || return 0
  mkdir -p "$group" "$STATE/log/$(dirname "$leaf")"
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec setsid "$@" >"$STATE/log/$leaf.log" 2>&1 </dev/null 9>&-
  ) &
  disown
}

# On a cgroup v1 machine a group is a directory in each hierarchy.
hierarchies() { if [ "$HIERARCHY" = /sys/fs/cgroup ]; then echo "$HIERARCHY"; else printf '%s\n' /sys/fs/cgroup/*; fi; }
groups_make() { # LEAF
  local dir
  for dir in $(hierarchies); do mkdir -p "$dir/kubectl-stateful/$NAME/$1"; done
}

# SIGKILL, for nothing here needs a farewell: etcd and the databases recover from it, and a test wants them to.
kill_groups() { # GROUP-DIR...
  local end=$((SECONDS + 20)) pids
  while pids=$(processes_in "$@") && [ -n "$pids" ]; do
    ((SECONDS < end)) || die "gave up after 20s waiting for these processes to end: ${pids//$'\n'/ }"
    # shellcheck disable=SC2086 # one word per process
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
}

# Containers have their groups in every hierarchy of a cgroup v1 machine; an emptied one is busy for a moment.
groups_remove() {
  local end=$((SECONDS + 10)) dir left
  while :; do
    left=
    for dir in $(hierarchies); do
      [ -d "$dir/kubectl-stateful/$NAME" ] || continue
      find "$dir/kubectl-stateful/$NAME" -depth -type d -exec rmdir {} + 2>/dev/null || left=$dir
      rmdir "$dir/kubectl-stateful" 2>/dev/null || true
    done
    [ -n "$left" ] || return 0
    ((SECONDS < end)) || die "gave up after 10s removing $left/kubectl-stateful/$NAME"
    sleep 0.1
  done
}

# wait_for SECONDS WHAT LOG COMMAND...; LOG is a service's leaf.
wait_for() {
  local seconds=$1 what=$2 log=$STATE/log/$3.log end
  shift 3
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then
      tail -n 20 "$log" >&2 || true
      die "gave up after ${seconds}s waiting for $what; see $log"
    fi
    sleep 0.1
  done
}

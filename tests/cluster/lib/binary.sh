# shellcheck shell=bash
# The servers, built from their pinned Go modules into a cache that every clone shares.

KUBERNETES=$(grep -om 1 'k8s.io/kubernetes v[0-9.]*' "$HERE/modules/kubernetes/go.mod" | cut -d ' ' -f 2)
GO_LDFLAGS="-s -w -X k8s.io/component-base/version.gitVersion=$KUBERNETES"
BIN=$CACHE/bin-$(
  { cat "$HERE"/modules/*/go.{mod,sum} && echo "$GO_LDFLAGS"; } | sha256sum | cut -c 1-16
)

build_binaries() { [ -d "$BIN" ] || locked binaries build_binaries_alone; }

# Built aside and renamed: an interrupted build leaves nothing that looks finished.
build_binaries_alone() {
  local module started=$SECONDS go
  [ ! -d "$BIN" ] || return 0
  go=$(go_command)
  rm -rf "$BIN.partial"
  mkdir -p "$BIN.partial"
  say "building the servers, once: 10 to 20 minutes on 2 cores, 20 seconds when Go has them in its own cache"
  for module in "$HERE"/modules/*/; do
    say "building $(basename "$module")"
    (cd "$module" && CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' "$go" build -ldflags="$GO_LDFLAGS" -o "$BIN.partial/" tool)
  done
  mv "$BIN.partial/server" "$BIN.partial/etcd" # go names it after the last part of its path
  mv -T "$BIN.partial" "$BIN"
  say "built in $((SECONDS - started))s: $BIN"
}

# The go command: the machine's own, or, when that is too old for the modules, the toolchain as the module proxy serves it. Any Go
# can fetch that, even the 1.19 of Debian 12, which knows nothing yet of GOTOOLCHAIN.
go_command() {
  local wanted have dir
  command -v go >/dev/null || die "Go is missing: run 'cluster packages', or apt-get install golang-go"
  wanted=$(awk '$1 == "go" && $2 > m {m = $2} END {print m}' "$HERE"/modules/*/go.mod)
  have=$(go env GOVERSION)
  if [ "$(printf '%s\n' "$wanted" "${have#go}" | sort -V | head -n 1)" = "$wanted" ]; then
    command -v go
    return
  fi
  dir=$CACHE/go-$wanted
  if [ ! -d "$dir" ]; then
    say "fetching Go $wanted, for the modules need it and this is ${have#go}" >&2
    go_fetch "$wanted" "$dir"
  fi
  echo "$dir/bin/go"
}
go_fetch() { # VERSION DIR
  local source
  source=$(cd / && GOFLAGS=-modcacherw go mod download -json "golang.org/toolchain@v0.0.1-go$1.linux-$(go env GOARCH)" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -d "$source" ] || die "the Go module proxy did not give Go $1"
  rm -rf "$2.partial"
  mkdir -p "$CACHE"
  cp -r "$source" "$2.partial"
  chmod -R u+w,+X "$2.partial"
  chmod +x "$2.partial"/bin/* "$2.partial"/pkg/tool/*/* # a module's files carry no execute bit
  mv -T "$2.partial" "$2"
}

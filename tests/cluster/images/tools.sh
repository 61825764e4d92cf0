# shellcheck shell=bash
# What recipes build with.

# debian OUTPUT SUITE PACKAGES MMDEBSTRAP-OPTION...: a small Debian, from whichever mirror this machine's apt uses.
debian() {
  local output=$1 suite=$2 packages=$3 mirror
  shift 3
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
    awk '$2 !~ /-/ && $3 == "main" && $4 == "Debian" {mirror = $1} END {print mirror}')
  [ -n "$mirror" ] || die "apt knows no Debian mirror here: run apt-get update"
  mmdebstrap --mode=root --variant=essential --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
    "$@" "$suite" "$output" "deb $mirror $suite main"
}

# An image archive of one layer.
archive() { # LAYER REFERENCE CONFIG OUTPUT
  python3 - "$@" <<'P'
import hashlib, io, json, subprocess, sys, tarfile

layer, reference, config, output = sys.argv[1:]
with open(layer, "rb") as f:
    digest = "sha256:" + hashlib.file_digest(f, "sha256").hexdigest()
machine = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
image = json.dumps({"architecture": machine, "os": "linux", "config": json.loads(config),
                    "rootfs": {"type": "layers", "diff_ids": [digest]}}).encode()
name = hashlib.sha256(image).hexdigest() + ".json"
manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(output, "w") as archive:
    for path, content in ((name, image), ("manifest.json", manifest)):
        info = tarfile.TarInfo(path)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    archive.add(layer, "layer.tar")
P
}

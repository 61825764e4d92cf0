# shellcheck shell=bash
# Images, each built from its recipe into an archive in the cache. images/NAME/recipe is sourced with $tag set; it gives
#   reference   the image's full name
#   config      its configuration, JSON as in the OCI specification
#   rootfs      a function that writes the root file system, a tar archive, to the file $1

IMAGES=$CACHE/images
IMAGES_ALL=(busybox:1 pause:1 postgres:15 postgres:17 patroni:4 cassandra:5 opensearch:2 mysql:9 mariadb:10.11 redis:7 redis:valkey-8)
# What only a measurement needs: built and loaded when it begins.
IMAGES_MORE=(repmgr:5)

# The files of other images that a recipe reads.
image_shares() { # DIRECTORY
  # shellcheck disable=SC2016 # as it stands in the recipe
  sed -n 's|.*$HERE/\(images/[^" ]*\).*|\1|p' "$1/recipe" | while read -r file; do echo "$HERE/$file"; done
}
# The file name carries a hash of the recipe, so a changed recipe is another image.
image_file() { # NAME:TAG
  local dir=$HERE/images/${1%:*}
  [[ " ${IMAGES_ALL[*]} ${IMAGES_MORE[*]} " == *" $1 "* ]] || die "no such image: '$1'; there are ${IMAGES_ALL[*]} ${IMAGES_MORE[*]}"
  echo "${1/:/-}-$({ { find "$dir" -type f && image_shares "$dir"; } | LC_ALL=C sort | xargs cat && cat "$HERE/images/tools.sh"; } | sha256sum | cut -c 1-16).tar"
}
images_built() {
  local image file
  for image in "${IMAGES_ALL[@]}"; do
    file=$(image_file "$image")
    if [ -f "$IMAGES/$file" ]; then echo "$file"; fi
  done
}
build_images() { # NAME:TAG...
  local image
  for image; do
    [ -f "$IMAGES/$(image_file "$image")" ] || locked "$image" image_build "$image"
  done
}
image_build_verb() {
  if [ "$1" = all ]; then build_images "${IMAGES_ALL[@]}"; else build_images "$1"; fi
}

image_load() { # NAME:TAG
  local file n
  file=$(image_file "$1")
  [ -f "$IMAGES/$file" ] || die "$1 is not built: cluster image build $1"
  for n in $(nodes_running); do store_load "$n" "$file"; done
}

image_build() { # NAME:TAG
  local tag=${1#*:} dir=$HERE/images/${1%:*} file started=$SECONDS reference config work
  file=$(image_file "$1")
  [ ! -f "$IMAGES/$file" ] || return 0
  mkdir -p "$IMAGES"
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # this very directory
  trap "rm -rf '$work'" EXIT
  # shellcheck source=/dev/null
  . "$HERE/images/tools.sh" && . "$dir/recipe"
  rootfs "$work/layer.tar"
  archive "$work/layer.tar" "$reference" "$config" "$IMAGES/$file.partial"
  find "$IMAGES" -name "${1/:/-}-*.tar" -mtime +7 -delete # of earlier recipes
  mv "$IMAGES/$file.partial" "$IMAGES/$file"
  say "built $1 in $((SECONDS - started))s, $(($(stat -c %s "$IMAGES/$file") >> 20)) MB"
}

# Prints the first of the variables that is set, itself or as a file.
given() {
  for name in "$@"; do
    eval "value=\${$name-} file=\${${name}_FILE-}"
    if [ -z "$value" ] && [ -r "$file" ]; then value=$(cat "$file"); fi
    if [ -n "$value" ]; then printf %s "$value"; return; fi
  done
}

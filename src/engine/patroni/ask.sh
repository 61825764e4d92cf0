# Prints two lines: the member's own view and the cluster's, each after its word. Nothing is written to Patroni.
printf 'patroni %s\n' "$own"
body=$(fetch "$base/cluster")
case "$body" in '{'*) printf 'cluster %s\n' "$body" ;; esac

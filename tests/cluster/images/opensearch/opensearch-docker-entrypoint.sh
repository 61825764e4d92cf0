#!/bin/bash
# Hands every variable with a dot in its name to the node as a setting, and becomes it as user opensearch.
set -euo pipefail
home=/usr/share/opensearch
if [ "$(id -u)" = 0 ]; then
  chown opensearch: "$home/data"
  HOME=$home exec setpriv --reuid=opensearch --regid=opensearch --init-groups "$0" "$@"
fi
# bash cannot say their names, so they are taken as the kernel has them.
settings=()
while IFS= read -r -d '' variable; do
  if [[ ${variable%%=*} =~ ^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$ ]]; then settings+=("$variable"); fi
done </proc/self/environ
# A disk of the machine that is nearly full keeps no shard away.
# shellcheck disable=SC2086 # OPENSEARCH_JAVA_OPTS is a list of words
exec java ${OPENSEARCH_JAVA_OPTS:--Xms256m -Xmx320m} -XX:+UseSerialGC -Dlog4j2.disable.jmx=true \
  -Dlog4j.configurationFile="$home/config/log4j2.xml" -cp "$home/classes:$home/lib/*" OneNode path.home="$home" path.data="$home/data" \
  node.name="$(hostname)" cluster.routing.allocation.disk.threshold_enabled=false "${settings[@]}" "$@"

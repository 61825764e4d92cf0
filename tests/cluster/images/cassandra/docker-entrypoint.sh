#!/bin/bash
# Writes the configuration from CASSANDRA_* variables, then becomes the server as user cassandra.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  chown cassandra: /var/lib/cassandra "$CASSANDRA_CONF"
  HOME=/var/lib/cassandra exec setpriv --reuid=cassandra --regid=cassandra --init-groups "$0" "$@"
fi
address=${CASSANDRA_LISTEN_ADDRESS:-$(hostname -i | cut -d ' ' -f 1)}
cat >"$CASSANDRA_CONF/cassandra.yaml" <<Y
cluster_name: ${CASSANDRA_CLUSTER_NAME:-Test Cluster}
num_tokens: ${CASSANDRA_NUM_TOKENS:-16}
allocate_tokens_for_local_replication_factor: 3
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
commitlog_sync: periodic
commitlog_sync_period: 10000ms
endpoint_snitch: ${CASSANDRA_ENDPOINT_SNITCH:-SimpleSnitch}
authenticator:
  class_name: ${CASSANDRA_AUTHENTICATOR:-AllowAllAuthenticator}
seed_provider:
- class_name: org.apache.cassandra.locator.SimpleSeedProvider
  parameters: [{seeds: "${CASSANDRA_SEEDS:-$address}"}]
listen_address: $address
rpc_address: ${CASSANDRA_RPC_ADDRESS:-0.0.0.0}
broadcast_rpc_address: $address
Y
heap=${MAX_HEAP_SIZE:-384m}
# In a cluster that a test made there is no gossip to wait for.
# shellcheck disable=SC2086 # JVM_EXTRA_OPTS is a list of words
exec java @/opt/cassandra/java.options -Xms256m -Xmx"$heap" -XX:MaxDirectMemorySize=128m -XX:+UseSerialGC \
  -Djdk.attach.allowAttachSelf=true -javaagent:"$(echo /opt/cassandra/lib/jamm-*.jar)" -Dio.netty.tryReflectionSetAccessible=true \
  -Dcassandra.config="file://$CASSANDRA_CONF/cassandra.yaml" -Dlogback.configurationFile="$CASSANDRA_CONF/logback.xml" \
  -Dcassandra.storagedir=/var/lib/cassandra -Dcassandra.jmx.local.port="${JMX_PORT:-7199}" \
  -Dcassandra.ring_delay_ms="${CASSANDRA_RING_DELAY_MS:-3000}" -Dcassandra.skip_wait_for_gossip_to_settle=0 ${JVM_EXTRA_OPTS-} \
  -cp "$CASSANDRA_CONF:/opt/cassandra/lib/*" org.apache.cassandra.service.CassandraDaemon "$@"

# Prints what this replica connects to its source with, as the rest of the statement that lets another server do so.
case $(ask --skip-column-names -e 'SELECT VERSION()') in
*MariaDB*)
  file=$(ask --skip-column-names --raw -e 'SELECT @@datadir')/master.info
  quoted() { sed -n "$1p" "$file" | sed "s/\\\\/\\\\\\\\/g; s/'/\\\\'/g"; }
  printf "MASTER_USER = '%s', MASTER_PASSWORD = '%s', MASTER_CONNECT_RETRY = %s, MASTER_SSL = %s" \
    "$(quoted 5)" "$(quoted 6)" "$(quoted 8)" "$(quoted 9)"
  line=10
  for name in CA CAPATH CERT CIPHER KEY; do
    value=$(quoted "$line")
    if [ -n "$value" ]; then printf ", MASTER_SSL_%s = '%s'" "$name" "$value"; fi
    line=$((line + 1))
  done
  printf ', MASTER_SSL_VERIFY_SERVER_CERT = %s, MASTER_HEARTBEAT_PERIOD = %s\n' "$(quoted 15)" "$(quoted 16)" ;;
*)
  ask --skip-column-names --raw -e "SELECT CONCAT_WS(', ', CONCAT('SOURCE_USER = ', QUOTE(User_name)),
    CONCAT('SOURCE_PASSWORD = ', QUOTE(User_password)), CONCAT('SOURCE_CONNECT_RETRY = ', Connect_retry),
    CONCAT('SOURCE_RETRY_COUNT = ', Retry_count), CONCAT('SOURCE_HEARTBEAT_PERIOD = ', Heartbeat),
    CONCAT('SOURCE_SSL = ', Enabled_ssl), CONCAT('SOURCE_SSL_VERIFY_SERVER_CERT = ', Ssl_verify_server_cert),
    CONCAT('GET_SOURCE_PUBLIC_KEY = ', Get_public_key),
    IF(Public_key_path = '', NULL, CONCAT('SOURCE_PUBLIC_KEY_PATH = ', QUOTE(Public_key_path))),
    IF(Ssl_ca = '', NULL, CONCAT('SOURCE_SSL_CA = ', QUOTE(Ssl_ca))),
    IF(Ssl_cert = '', NULL, CONCAT('SOURCE_SSL_CERT = ', QUOTE(Ssl_cert))),
    IF(Ssl_key = '', NULL, CONCAT('SOURCE_SSL_KEY = ', QUOTE(Ssl_key))))
    FROM mysql.slave_master_info WHERE Channel_name = ''" ;;
esac

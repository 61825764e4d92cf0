//! What gives MySQL, MariaDB and what is made of them away.

use crate::engine::signs::Signs;

/// Words of what stands around a server of either.
const AROUND: &[&str] = &[
    "exporter",
    "metrics",
    "router",
    "proxysql",
    "maxscale",
    "haproxy",
    "proxy",
    "operator",
    "orchestrator",
    "backup",
    "backups",
    "xtrabackup",
    "dump",
    "toolkit",
    "pmm",
    "agent",
    "client",
    "init",
    "phpmyadmin",
    "adminer",
    "admin",
    "ui",
    "shell",
    "monitor",
    "migrate",
    "migrations",
    // Percona packages these as well.
    "mongodb",
    "postgresql",
    "postgres",
];

/// The signs of MySQL and Percona Server. Port 3306 alone is also that of proxies.
pub(super) const MYSQL: Signs = Signs {
    labels: &[
        ("mysql.oracle.com/cluster", None),
        ("app.kubernetes.io/name", Some("mysql")),
        ("app.kubernetes.io/name", Some("percona-xtradb-cluster")),
    ],
    images: &["mysql", "percona"],
    around: AROUND,
    ports: &[[3306, 33060], [3306, 33061]],
    variables: &["MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE", "MYSQL_RANDOM_ROOT_PASSWORD"],
};

/// The signs of MariaDB. Whoever has the ports of Galera and another image is told apart by the server's own words.
pub(super) const MARIADB: Signs = Signs {
    labels: &[("app.kubernetes.io/name", Some("mariadb")), ("app.kubernetes.io/name", Some("mariadb-galera"))],
    images: &["mariadb"],
    around: AROUND,
    ports: &[[3306, 4567]],
    variables: &["MARIADB_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_FILE", "MARIADB_GALERA_CLUSTER_NAME"],
};

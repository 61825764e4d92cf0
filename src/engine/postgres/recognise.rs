//! What gives a PostgreSQL server away, and which container of a pod it is.

use std::collections::BTreeMap;

use crate::model::{ContainerName, ContainerSpec, Pod, Workload};

/// The port that servers listen on.
const PORT: u16 = 5432;

/// Words of an image's name that stand for a server.
const SERVER_WORDS: &[&str] =
    &["postgres", "postgresql", "postgis", "timescaledb", "pgvector", "citus", "spilo", "paradedb", "pgduckdb"];

/// Words of an image's name that say that it is something around a server.
const OTHER_WORDS: &[&str] = &[
    "exporter",
    "metrics",
    "pgbouncer",
    "pgpool",
    "pooler",
    "proxy",
    "haproxy",
    "operator",
    "backup",
    "backups",
    "dump",
    "pgbackrest",
    "barman",
    "walg",
    "client",
    "init",
    "meta",
    "migrate",
    "migrations",
    "ui",
    "admin",
    "monitor",
    "shell",
];

/// Variables that only a server has; clients have `POSTGRES_PASSWORD` as well.
const SERVER_ENV: &[&str] = &["PGDATA", "POSTGRES_INITDB_ARGS", "POSTGRES_HOST_AUTH_METHOD", "POSTGRESQL_VOLUME_DIR"];

/// Says what gives PostgreSQL away, image first because it says most.
pub(super) fn recognise(workload: &Workload) -> Option<String> {
    let servers: Vec<_> = workload.template.containers.iter().filter(|container| !is_other(container)).collect();
    let labels = [&workload.meta.labels, &workload.template.labels];
    by_image(&servers)
        .or_else(|| by_label(&labels, &servers))
        .or_else(|| by_port(&servers))
        .or_else(|| by_env(&servers))
}

fn by_image(servers: &[&ContainerSpec]) -> Option<String> {
    servers.iter().find(|container| is_server_image(container)).map(|container| said_of_image(container))
}

fn by_label(labels: &[&BTreeMap<String, String>], servers: &[&ContainerSpec]) -> Option<String> {
    let name = labels.iter().find_map(|labels| labels.get("app.kubernetes.io/name"))?;
    let fits = !servers.is_empty() && matches!(name.as_str(), "postgresql" | "postgres" | "postgresql-ha");
    fits.then(|| format!("label app.kubernetes.io/name={name}"))
}

fn by_port(servers: &[&ContainerSpec]) -> Option<String> {
    servers.iter().any(|container| container.ports.contains(&PORT)).then(|| format!("port {PORT}"))
}

fn by_env(servers: &[&ContainerSpec]) -> Option<String> {
    let told = |name: &&String| SERVER_ENV.contains(&name.as_str()) || name.starts_with("POSTGRESQL_REPLICATION_");
    let name = servers.iter().flat_map(|container| &container.env_names).find(told)?;
    Some(format!("variable {name}"))
}

/// Says `image postgres:15`, without the registry.
pub(in crate::engine) fn said_of_image(container: &ContainerSpec) -> String {
    let tag = container.image_tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("image {}{tag}", container.image_base())
}

/// Chooses the container of the server: by image and port, by image, by port, and last the only one that there is.
pub(in crate::engine) fn container(pod: &Pod) -> Option<ContainerName> {
    let servers = || pod.containers.iter().filter(|container| !is_other(container));
    let listens = |container: &&ContainerSpec| container.ports.contains(&PORT);
    let only = || if let [only] = pod.containers.as_slice() { Some(only) } else { None };
    servers()
        .filter(|container| is_server_image(container))
        .find(listens)
        .or_else(|| servers().find(|container| is_server_image(container)))
        .or_else(|| servers().find(listens))
        .or_else(only)
        .map(|container| container.name.clone())
}

fn is_server_image(container: &ContainerSpec) -> bool {
    words(container.image_base()).iter().any(|word| SERVER_WORDS.contains(&word.as_str()))
}

/// Tells whether a container is something around a server, by its image or by its name.
fn is_other(container: &ContainerSpec) -> bool {
    let image = words(container.image_base());
    let name = words(container.name.as_str());
    image.iter().chain(&name).any(|word| OTHER_WORDS.contains(&word.as_str()))
}

/// Splits a name into words; a version glued to a word is no part of it.
pub(in crate::engine) fn words(name: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_ascii_lowercase();
    name.split(|letter: char| !letter.is_ascii_alphanumeric()).map(bare).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, image: &str, ports: &[u16], env: &[&str]) -> ContainerSpec {
        ContainerSpec {
            name: name.into(),
            image: image.to_owned(),
            ports: ports.to_vec(),
            env_names: env.iter().map(|name| (*name).to_owned()).collect(),
            ..ContainerSpec::default()
        }
    }

    fn said(containers: Vec<ContainerSpec>) -> Option<String> {
        let mut workload = Workload::default();
        workload.template.containers = containers;
        recognise(&workload)
    }

    fn chosen(containers: Vec<ContainerSpec>) -> Option<String> {
        container(&Pod { containers, ..Pod::default() }).map(|name| name.0)
    }

    #[test]
    fn images_of_servers_are_known() {
        for (image, by) in [
            ("postgres:15", "image postgres:15"),
            ("docker.io/bitnami/postgresql:16.2.0-debian-12-r5", "image postgresql:16.2.0-debian-12-r5"),
            ("registry.example:5000/team/shop-postgres@sha256:0123", "image shop-postgres"),
            ("postgis/postgis:16-3.4", "image postgis:16-3.4"),
            ("timescale/timescaledb-ha:pg15", "image timescaledb-ha:pg15"),
            ("pgvector/pgvector:pg16", "image pgvector:pg16"),
            ("supabase/postgres:15.1", "image postgres:15.1"),
            ("example/postgres15", "image postgres15"),
        ] {
            assert_eq!(said(vec![spec("db", image, &[], &[])]).as_deref(), Some(by), "{image}");
        }
    }

    #[test]
    fn what_stands_around_a_server_is_not_one() {
        for image in [
            "quay.io/prometheuscommunity/postgres-exporter:v0.15",
            "wrouesnel/postgres_exporter",
            "bitnami/pgbouncer:1",
            "bitnami/pgpool:4",
            "example/postgres-operator",
            "prodrigestivill/postgres-backup-local",
            "supabase/postgres-meta",
        ] {
            assert_eq!(said(vec![spec("c", image, &[5432], &[])]), None, "{image}");
        }
        assert_eq!(said(vec![spec("api", "postgrest/postgrest", &[3000], &[])]), None);
        assert_eq!(said(vec![spec("app", "example/shop", &[8080], &["POSTGRES_PASSWORD"])]), None);
    }

    #[test]
    fn label_port_and_variables_come_after_the_image() {
        let mut workload = Workload::default();
        workload.template.containers = vec![spec("db", "example/database", &[5432], &["PGDATA"])];
        workload.template.labels.insert("app.kubernetes.io/name".into(), "postgresql".into());
        assert_eq!(recognise(&workload).as_deref(), Some("label app.kubernetes.io/name=postgresql"));
        assert_eq!(said(vec![spec("db", "example/database", &[5432], &[])]).as_deref(), Some("port 5432"));
        assert_eq!(said(vec![spec("db", "example/database", &[], &["PGDATA"])]).as_deref(), Some("variable PGDATA"));
    }

    #[test]
    fn the_server_is_chosen_among_its_sidecars() {
        let exporter = || spec("metrics", "bitnami/postgres-exporter", &[9187], &[]);
        let pooler = || spec("pgbouncer", "bitnami/pgbouncer", &[5432], &[]);
        let copy = || spec("replication-cert-copy", "crunchy-postgres:15", &[], &[]);
        let server = || spec("database", "crunchy-postgres:15", &[5432], &[]);
        assert_eq!(chosen(vec![exporter(), pooler(), copy(), server()]).as_deref(), Some("database"));
        assert_eq!(chosen(vec![pooler(), spec("main", "example/database", &[5432], &[])]).as_deref(), Some("main"));
        assert_eq!(chosen(vec![exporter(), spec("main", "example/database", &[], &[])]), None);
        assert_eq!(chosen(vec![spec("main", "example/database", &[], &[])]).as_deref(), Some("main"));
    }
}

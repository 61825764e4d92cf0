//! The statement by which PostgreSQL is promoted, on real servers, many times.

use crate::postgres::start;
use crate::support::{Namespace, proves};

const PROMOTE: &str = include_str!("../../src/engine/postgres/promotion/promote.sql");

/// How often it is tried: without what it is about, one try in five takes 5 s.
const TRIES: usize = 16;

/// Promotes a standby again and again, in a pod of its own two servers, the moment that its receiver has ended: it is told
/// while it wants the next receiver, which has not begun. Prints the milliseconds of each. $0 the statement, $1 how often.
const AGAIN: &str = r#"
    set -eu
    cd "$(mktemp -d)"
    export PGHOST=$PWD PGUSER=postgres PGDATABASE=postgres
    initdb -D first -U postgres -A trust -N >/dev/null
    printf "port = 7001\nunix_socket_directories = '$PWD'\nlisten_addresses = '127.0.0.1'\nfsync = off\n" >>first/postgresql.conf
    pg_ctl -D first -l log -w start >/dev/null
    pg_basebackup -p 7001 -D base -R -c fast
    echo 'port = 7002' >>base/postgresql.conf
    sql() { psql -p 7002 -XAtq "$@"; }
    for try in $(seq "$1"); do
      cp -a base second
      pg_ctl -D second -l log -w start >/dev/null
      until receiver=$(sql -c "SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming'") && [ -n "$receiver" ]; do sleep 0.05; done
      printf '%s\n' '\! kill '"$receiver" 'SELECT pg_sleep(0.002);' '\timing on' "$0;" | sql | sed -n 's/^Time: \([0-9]*\).*/\1/p' | tail -n 1
      pg_ctl -D second -m immediate stop >/dev/null
      rm -r second
    done
    pg_ctl -D first -m immediate stop >/dev/null"#;

#[test]
fn a_standby_whose_receiver_has_just_ended_takes_over_at_once() {
    let namespace = Namespace::new("promoted");
    start(&namespace);
    let (statement, tries) = (PROMOTE.replace("{seconds}", "20"), TRIES.to_string());
    let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
    let argv =
        [&["exec", "db-2", "-c", "postgres", "--"], &user[..], &["bash", "-c", AGAIN, &statement, &tries]].concat();
    let said = namespace.kubectl(&argv).ok();
    let times: Vec<u32> = said.lines().map(|line| line.parse().expect("milliseconds")).collect();
    let longest = times.iter().max().expect("a time");
    assert!(times.len() == TRIES && *longest < 3000, "{times:?} ms");
    proves(format!("{TRIES} promotions right after the receiver ended took at most {longest} ms"));
}

//! A snapshot shows what the cluster showed, and so does what kubectl prints, as far as it goes.

use std::path::PathBuf;

use crate::postgres::shared;
use crate::support::{Namespace, eventually, proves, steady};

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kubectl-stateful-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("write");
        path.to_str().expect("utf-8").to_owned()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // What is left in the temporary folder hurts nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The screens that are compared, as arguments after `status`.
const SCREENS: [&[&str]; 6] = [
    &["db"],
    &["db", "-o", "wide"],
    &["db", "-o", "json"],
    &["--probe"],
    &["--probe", "-o", "wide"],
    &["--probe", "-o", "json"],
];

#[test]
fn a_snapshot_prints_the_same_screens_as_the_cluster() {
    let namespace = shared();
    let dir = Dir::new("snapshot");
    for of in [&["snapshot", "db"][..], &["snapshot"]] {
        for arguments in SCREENS {
            // Something may change between two looks, a lag even there and back: only what stays different is wrong.
            eventually("a quiet moment, in which the snapshot shows what the cluster shows", || {
                let before = screen(&namespace, arguments, &[]);
                let file = dir.write("snapshot", &namespace.stateful(of).ok());
                if before != screen(&namespace, arguments, &[]) {
                    return Err("the cluster changes".to_owned());
                }
                let offline = screen(&namespace, arguments, &["--from", &file]);
                if before != offline {
                    return Err(format!("{of:?} {arguments:?}\nlive:\n{before}\nsnapshot:\n{offline}"));
                }
                Ok(())
            });
        }
    }
    proves("screens of a live cluster and of its snapshots are equal");
}

fn screen(namespace: &Namespace, arguments: &[&str], flags: &[&str]) -> String {
    // A file holds what was asked when it was made: nobody can be asked again.
    let asked = arguments.iter().filter(|argument| flags.is_empty() || **argument != "--probe");
    let arguments: Vec<&str> = ["status"].iter().chain(asked).chain(flags).copied().collect();
    steady(&namespace.stateful(&arguments).ok())
}

#[test]
fn what_kubectl_prints_is_read_as_yaml_json_and_from_a_directory() {
    let namespace = shared();
    let kinds = "sts,pods,pvc,pdb,svc,endpointslices";
    for format in ["json", "yaml"] {
        let dir = Dir::new(format);
        let dump = namespace.kubectl(&["get", kinds, "-o", format]).ok();
        let cluster_wide = namespace.kubectl(&["get", "pv,nodes,sc", "-o", format]).ok();
        let file = dir.write(&format!("objects.{format}"), &dump);
        shows_the_set(&namespace, &file, "volumes, nodes unknown");
        dir.write(&format!("cluster.{format}"), &cluster_wide);
        shows_the_set(&namespace, dir.0.to_str().expect("utf-8"), "ZONE");
    }
    let dir = Dir::new("cluster-info");
    let folder = dir.0.to_str().expect("utf-8");
    let dump = ["cluster-info", "dump", "--namespaces", &namespace.name, "--output-directory", folder];
    namespace.kubectl(&dump).ok();
    // kubectl dumps neither sets nor claims; people add them.
    dir.write("sets.yaml", &namespace.kubectl(&["get", "sts,pvc", "-o", "yaml"]).ok());
    shows_the_set(&namespace, folder, "3 of 3");
    proves("what kubectl prints as JSON, as YAML and into a directory is read");
}

fn shows_the_set(namespace: &Namespace, source: &str, also: &str) {
    let screen = namespace.stateful(&["status", "db", "--from", source]).ok();
    assert!(screen.contains("db-2") && screen.contains("data-db-1") && screen.contains("3 of 3"), "{screen}");
    assert!(screen.contains(also), "no {also} in\n{screen}");
    assert!(!screen.contains("primary db-0"), "nobody asked an engine:\n{screen}");
}

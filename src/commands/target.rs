//! Which workloads a command is about: namespaces and names as the user types them.

use clap::Args;

use crate::cluster::{Cluster, Scope};
use crate::failure::{Failure, FailureKind};
use crate::model::{Namespace, WorkloadName};

/// Which namespaces are meant.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// Namespace to look in [default: that of the kubeconfig's context]
    #[arg(long, short, global = true, value_name = "NAME", conflicts_with = "all_namespaces", value_parser = parse_namespace)]
    pub namespace: Option<String>,
    /// Look in all namespaces
    #[arg(long, short = 'A', global = true)]
    pub all_namespaces: bool,
}

impl Place {
    /// Refuses names together with `-A`: a name is one of a namespace.
    ///
    /// # Errors
    /// When both were given.
    pub fn check(&self, names: &[WorkloadName]) -> Result<(), Failure> {
        if names.is_empty() || !self.all_namespaces {
            return Ok(());
        }
        Err(Failure::new(FailureKind::Usage, "a name and -A do not go together")
            .hint("name the namespace with -n, or leave the name out"))
    }

    /// Names the namespace that was asked for; an empty one, as from an unset variable, is none, as for kubectl.
    pub(super) fn asked(&self) -> Option<&str> {
        self.namespace.as_deref().filter(|name| !name.is_empty())
    }

    /// Turns flags and the context's default into a scope.
    #[must_use]
    pub fn scope(&self, cluster: &Cluster) -> Scope {
        if self.all_namespaces {
            return Scope::All;
        }
        Scope::One(self.asked().unwrap_or_else(|| cluster.default_namespace()).into())
    }

    /// Gives the scope for objects out of a file: all of them, unless a namespace is named.
    #[must_use]
    pub fn offline_scope(&self) -> Scope {
        self.asked().map_or(Scope::All, |name| Scope::One(Namespace::from(name)))
    }
}

/// Reads the name of a namespace; what cannot be one must not get into a path.
fn parse_namespace(text: &str) -> Result<String, String> {
    let possible = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.len() > 63 || !text.bytes().all(possible) {
        return Err("a namespace has lower-case letters, digits and dashes only".to_owned());
    }
    Ok(text.to_owned())
}

/// The words that may stand before the slash of `statefulset/db`, as kubectl takes them.
pub(super) const KINDS: [&str; 4] = ["sts", "statefulset", "statefulsets", "statefulset.apps"];

/// Reads `NAME`, `sts/NAME`, `statefulset/NAME`, or a kind followed by names as kubectl takes them.
///
/// # Errors
/// When another kind is named, or a name cannot be one.
pub fn parse_names(words: &[String]) -> Result<Vec<WorkloadName>, Failure> {
    // `status sts db`, as in `kubectl get sts db`; a set that is itself called `sts` is reached as sts/sts.
    let words = match words {
        [kind, names @ ..] if KINDS.contains(&kind.as_str()) => names,
        all => all,
    };
    words.iter().map(|word| parse_name(word)).collect()
}

fn parse_name(word: &str) -> Result<WorkloadName, Failure> {
    let name = match word.split_once('/') {
        None => word,
        Some((kind, name)) if KINDS.contains(&kind.to_lowercase().as_str()) => name,
        Some((kind, name)) => {
            return Err(Failure::new(FailureKind::Usage, format!("{kind}/{name} is not a StatefulSet"))
                .hint(format!("name a StatefulSet: NAME, sts/NAME or statefulset/NAME, not a {kind}")));
        }
    };
    let possible = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    if name.is_empty() || name.len() > 253 || !name.bytes().all(possible) {
        return Err(Failure::new(FailureKind::Usage, format!("`{word}` cannot be the name of a StatefulSet"))
            .hint("names have lower-case letters, digits, dashes and dots; `kubectl stateful status` lists them"));
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse_names(&words)
            .map(|names| names.into_iter().map(|name| name.0).collect())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn names_are_read_as_kubectl_reads_them() {
        for words in [&["db"][..], &["sts/db"], &["statefulset/db"], &["statefulset.apps/db"], &["sts", "db"]] {
            assert_eq!(names(words), Ok(vec!["db".to_owned()]), "{words:?}");
        }
        assert_eq!(names(&["db", "sts/es"]), Ok(vec!["db".to_owned(), "es".to_owned()]));
        assert_eq!(names(&["sts"]), Ok(vec![]));
    }

    #[test]
    fn other_kinds_and_impossible_names_are_refused() {
        assert_eq!(names(&["deploy/web"]), Err("deploy/web is not a StatefulSet".to_owned()));
        for bad in ["", "sts/", "DB", "a b", "db\u{1b}[31m", "../x"] {
            assert!(names(&[bad]).is_err(), "{bad:?}");
        }
    }
}

//! From a kubeconfig to the client's configuration, as kubectl reads it.
//!
//! Done here and not by the client, which takes the pod's service account after any error, does not know all of
//! kubectl's rules for proxies, and fails on a missing file of a `$KUBECONFIG` of several.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, ExecAuthCluster, ExecInteractiveMode, Kubeconfig, KubeconfigError, NamedCluster,
    NamedContext,
};

use super::connect::{ConnectArgs, Questions};
use super::{ClusterError, proxy};

/// Makes the configuration that flags, kubeconfig and environment lead to.
pub(super) fn configure(args: &ConnectArgs) -> Result<Config, ClusterError> {
    let Some(mut kubeconfig) = read(args)? else {
        return in_cluster(args).ok_or_else(no_cluster);
    };
    add_server(&mut kubeconfig, args);
    let context = context(&kubeconfig, args)?;
    let mut cluster = cluster(&kubeconfig, args.cluster.as_ref().unwrap_or(&context.cluster))?;
    let mut user = user(&kubeconfig, args, &context)?;
    overrule(&mut cluster, &mut user, args);
    config(&cluster, user, context.namespace)
}

fn no_cluster() -> ClusterError {
    ClusterError::Config(
        "no cluster is configured: there is no kubeconfig file; name one with --kubeconfig or $KUBECONFIG".to_owned(),
    )
}

/// Reads the kubeconfig that the user means; `None` when there is no file and none was asked for.
fn read(args: &ConnectArgs) -> Result<Option<Kubeconfig>, ClusterError> {
    if let Some(path) = &args.kubeconfig {
        return read_file(path).map(Some);
    }
    let from_environment = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let found = if let Some(value) = from_environment {
        read_several(&value)?
    } else {
        let default = std::env::home_dir().map(|home| home.join(".kube").join("config"));
        default.filter(|path| path.exists()).map(|path| read_file(&path)).transpose()?
    };
    Ok(found.or_else(|| args.server.is_some().then(Kubeconfig::default)))
}

/// Reads the files of `$KUBECONFIG`. Those that do not exist are passed over as long as one does.
fn read_several(value: &OsString) -> Result<Option<Kubeconfig>, ClusterError> {
    let named: Vec<PathBuf> = std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect();
    let there: Vec<&PathBuf> = named.iter().filter(|path| path.exists()).collect();
    let files = if there.is_empty() { named.iter().collect() } else { there };
    let mut merged: Option<Kubeconfig> = None;
    for file in files {
        let next = read_file(file)?;
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|error| describe(&error, file))?,
        });
    }
    Ok(merged)
}

fn read_file(path: &Path) -> Result<Kubeconfig, ClusterError> {
    Kubeconfig::read_from(path).map_err(|error| describe(&error, path))
}

/// Lists the contexts, clusters and users that a kubeconfig holds; none where it cannot be read.
pub(super) fn names(args: &ConnectArgs, wanted: Entry) -> Vec<String> {
    let Ok(Some(kubeconfig)) = read(args) else {
        return Vec::new();
    };
    match wanted {
        Entry::Contexts => kubeconfig.contexts.into_iter().map(|named| named.name).collect(),
        Entry::Clusters => kubeconfig.clusters.into_iter().map(|named| named.name).collect(),
        Entry::Users => kubeconfig.auth_infos.into_iter().map(|named| named.name).collect(),
    }
}

/// What a kubeconfig lists by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `contexts`.
    Contexts,
    /// `clusters`.
    Clusters,
    /// `users`.
    Users,
}

/// Makes a context for `--server` where the kubeconfig has none.
fn add_server(kubeconfig: &mut Kubeconfig, args: &ConnectArgs) {
    const NAME: &str = "from-flags";
    let usable = args.context.is_some() || kubeconfig.current_context.as_ref().is_some_and(|name| !name.is_empty());
    if args.server.is_none() || usable {
        return;
    }
    let context = Context { cluster: NAME.to_owned(), ..Context::default() };
    kubeconfig.contexts.push(NamedContext { name: NAME.to_owned(), context: Some(context), ..Default::default() });
    kubeconfig.clusters.push(NamedCluster {
        name: NAME.to_owned(),
        cluster: Some(Cluster::default()),
        ..Default::default()
    });
    kubeconfig.current_context = Some(NAME.to_owned());
}

/// Takes the pod's service account, but only when the user asked for nothing else.
fn in_cluster(args: &ConnectArgs) -> Option<Config> {
    let asked = args.kubeconfig.is_some() || args.context.is_some() || args.cluster.is_some() || args.user.is_some();
    let mut config = (!asked).then(|| Config::incluster().ok()).flatten()?;
    impersonate(&mut config.auth_info, args);
    Some(config)
}

fn context(kubeconfig: &Kubeconfig, args: &ConnectArgs) -> Result<Context, ClusterError> {
    let current = kubeconfig.current_context.as_ref().filter(|name| !name.is_empty());
    let name = args.context.as_ref().or(current).ok_or_else(|| {
        ClusterError::Config(
            "the kubeconfig has no current context; choose one with --context or `kubectl config use-context`"
                .to_owned(),
        )
    })?;
    let found = kubeconfig.contexts.iter().find(|named| &named.name == name);
    found.and_then(|named| named.context.clone()).ok_or_else(|| {
        ClusterError::Config(format!(
            "the kubeconfig has no context `{name}`; `kubectl config get-contexts` lists them"
        ))
    })
}

fn cluster(kubeconfig: &Kubeconfig, name: &str) -> Result<Cluster, ClusterError> {
    let found = kubeconfig.clusters.iter().find(|named| named.name == name);
    found.and_then(|named| named.cluster.clone()).ok_or_else(|| {
        ClusterError::Config(format!(
            "the kubeconfig has no cluster `{name}`; `kubectl config get-clusters` lists them"
        ))
    })
}

/// Finds the user. One that the context names in vain is nobody, as for kubectl; one that a flag names must exist.
fn user(kubeconfig: &Kubeconfig, args: &ConnectArgs, context: &Context) -> Result<AuthInfo, ClusterError> {
    let Some(name) = args.user.as_ref().or(context.user.as_ref()) else {
        return Ok(AuthInfo::default());
    };
    let found = kubeconfig.auth_infos.iter().find(|named| &named.name == name);
    match found.and_then(|named| named.auth_info.clone()) {
        Some(user) => Ok(user),
        None if args.user.is_none() => Ok(AuthInfo::default()),
        None => Err(ClusterError::Config(format!(
            "the kubeconfig has no user `{name}`; `kubectl config get-users` lists them"
        ))),
    }
}

/// Applies the flags that overrule single fields of the kubeconfig.
fn overrule(cluster: &mut Cluster, user: &mut AuthInfo, args: &ConnectArgs) {
    set(&mut cluster.server, args.server.as_ref());
    set(&mut cluster.tls_server_name, args.tls_server_name.as_ref());
    if let Some(file) = &args.certificate_authority {
        cluster.certificate_authority = Some(file.clone());
        cluster.certificate_authority_data = None;
    }
    if args.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if let Some(token) = &args.token {
        *user = AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() };
    }
    if let Some(file) = &args.client_certificate {
        user.client_certificate = Some(file.clone());
        user.client_certificate_data = None;
    }
    if let Some(file) = &args.client_key {
        user.client_key = Some(file.clone());
        user.client_key_data = None;
    }
    impersonate(user, args);
    if let (Questions::Never, Some(plugin)) = (args.questions, &mut user.exec) {
        plugin.interactive_mode = Some(ExecInteractiveMode::Never);
    }
}

fn impersonate(user: &mut AuthInfo, args: &ConnectArgs) {
    set(&mut user.impersonate, args.as_user.as_ref());
    set(&mut user.impersonate_uid, args.as_uid.as_ref());
    if !args.as_group.is_empty() {
        user.impersonate_groups = Some(args.as_group.clone());
    }
}

fn set(field: &mut Option<String>, value: Option<&String>) {
    if let Some(value) = value {
        *field = Some(value.clone());
    }
}

fn config(cluster: &Cluster, mut user: AuthInfo, namespace: Option<String>) -> Result<Config, ClusterError> {
    let server = cluster.server.as_deref().filter(|server| !server.is_empty()).ok_or_else(|| {
        ClusterError::Config("the kubeconfig's cluster has no server address; name one with --server".to_owned())
    })?;
    // kubectl takes `10.0.0.1:6443` as well.
    let url = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    let url: http::Uri = url
        .parse()
        .ok()
        .filter(|url: &http::Uri| url.host().is_some() && matches!(url.scheme_str(), Some("http" | "https")))
        .ok_or_else(|| ClusterError::Config(format!("`{server}` is not the address of an API server")))?;
    // The one public way in which the client reads the authority's certificates.
    let seen_by_plugins = ExecAuthCluster::try_from(cluster).map_err(|error| {
        ClusterError::Unreadable(format!("the certificate authority of {server}: {}", innermost(&error)))
    })?;
    let mut config = Config::new(url);
    config.root_cert = seen_by_plugins.certificate_authority_data.as_deref().map(certificates).transpose()?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.proxy_url =
        proxy::choose(cluster.proxy_url.as_deref(), &config.cluster_url, |name| std::env::var(name).ok())?;
    if let Some(namespace) = namespace.filter(|name| !name.is_empty()) {
        config.default_namespace = namespace;
    }
    if let Some(plugin) = user.exec.as_mut().filter(|plugin| plugin.provide_cluster_info) {
        plugin.cluster = Some(seen_by_plugins);
    }
    config.auth_info = user;
    Ok(config)
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ClusterError> {
    let blocks = pem::parse_many(pem)
        .map_err(|error| ClusterError::Config(format!("the certificate authority is not in PEM format: {error}")))?;
    Ok(blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE").map(pem::Pem::into_contents).collect())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the client's errors are many, and more are to come")]
fn describe(error: &KubeconfigError, path: &Path) -> ClusterError {
    let path = path.display();
    ClusterError::Unreadable(match error {
        KubeconfigError::ReadConfig(error, _) => format!("the kubeconfig {path} cannot be read: {error}"),
        KubeconfigError::Parse(error) => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default();
            format!("the kubeconfig {path} is not valid: {}", why.trim_start_matches("error: "))
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            format!("the kubeconfig {path} is of another kind or version than the ones before it")
        }
        other => format!("the kubeconfig {path} cannot be used: {}", innermost(other)),
    })
}

fn innermost(error: &KubeconfigError) -> String {
    super::error::innermost(error)
}

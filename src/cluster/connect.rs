//! From flags and kubeconfig to a client, as kubectl does it.

use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use kube::config::ExecConfig;

use super::error::{describe_auth, innermost, names_a_file};
use super::kubeconfig::{self, Entry};
use super::{ClusterError, proxy};

/// Says which cluster to talk to and as whom; the names are kubectl's.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Path to the kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Address and port of the API server
    #[arg(long, short = 's', global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token for the API server; visible to other users of this machine, prefer a kubeconfig
    #[arg(long, global = true, value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub as_user: Option<String>,
    /// Group to impersonate, can be repeated
    #[arg(long, global = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// UID to impersonate
    #[arg(long, global = true, value_name = "UID")]
    pub as_uid: Option<String>,
    /// File with the certificate authority of the API server
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub certificate_authority: Option<String>,
    /// File with a client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub client_certificate: Option<String>,
    /// File with the key of the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub client_key: Option<String>,
    /// Name that the API server's certificate must have
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not check the API server's certificate; anybody could pretend to be it
    #[arg(long, global = true)]
    pub insecure_skip_tls_verify: bool,
    /// How long to wait for one answer of the API server (1s, 2m; 0 = for ever)
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub request_timeout: Duration,
    /// Whether a credential plugin may ask the user something.
    #[arg(skip)]
    pub questions: Questions,
}

impl ConnectArgs {
    /// Lists the contexts, clusters or users to choose from; none where the kubeconfig cannot be read.
    #[must_use]
    pub fn known(&self, entry: Entry) -> Vec<String> {
        kubeconfig::names(self, entry)
    }
}

/// Whether a credential plugin may ask the user something and write to the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Questions {
    /// As its entry in the kubeconfig says.
    #[default]
    Allowed,
    /// Not now: the user is typing.
    Never,
}

/// Reads a duration as kubectl does: `90`, `1s`, `2m30s`, `1h`; zero means for ever.
///
/// # Errors
/// When the text is no duration.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text}s") } else { text.to_owned() };
    let span: jiff::SignedDuration = seconds.parse().map_err(|_| "write it as 30s, 2m or 1h".to_owned())?;
    Duration::try_from(span).map_err(|_| "it cannot be negative".to_owned())
}

/// A client, and what it is connected to.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) server: String,
    pub(super) namespace: String,
}

/// Makes a client. Credential plugins run now, before any progress line, since they may ask the user something.
pub(super) async fn connect(args: &ConnectArgs) -> Result<Connection, ClusterError> {
    let mut config = kubeconfig::configure(args)?;
    // One limit for connecting and answering together: ours.
    config.connect_timeout = None;
    // Retrying is ours: the client's own would wait for minutes without a word.
    config.default_retry = false;
    let mut server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    if let Some(proxy) = &config.proxy_url {
        server = format!("{server} (through the proxy {})", proxy::describe(proxy));
    }
    let namespace = config.default_namespace.clone();
    let plugin = config.auth_info.exec.clone();
    let client = tokio::task::spawn_blocking(move || Client::try_from(config))
        .await
        .map_err(|error| ClusterError::Config(format!("the client could not be made: {error}")))?
        .map_err(|error| explain(&error, &server, plugin.as_ref()))?;
    Ok(Connection { client, server, namespace })
}

fn explain(error: &kube::Error, server: &str, plugin: Option<&ExecConfig>) -> ClusterError {
    let kube::Error::Auth(error) = error else {
        let message = format!("no client can be made for {server}: {}", innermost(error));
        return if names_a_file(error) { ClusterError::Unreadable(message) } else { ClusterError::Config(message) };
    };
    let name = plugin.and_then(|plugin| plugin.command.as_deref()).unwrap_or("of the kubeconfig");
    let advice = plugin.and_then(|plugin| plugin.install_hint.as_deref()).map(str::trim).unwrap_or_default();
    let why = describe_auth(error, name);
    let advice = if advice.is_empty() { String::new() } else { format!("\n{advice}") };
    ClusterError::Credentials(format!("no credentials for {server}: {why}{advice}"))
}

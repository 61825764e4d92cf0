//! Which proxy leads to the API server, decided as kubectl decides it.
//!
//! The client would decide otherwise: it compares `NO_PROXY` with the proxy's address, and fails on a trailing comma.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::ClusterError;

/// Chooses the kubeconfig's proxy, whatever `NO_PROXY` says; else the environment's for this server, if any.
pub(super) fn choose(
    kubeconfig: Option<&str>,
    server: &Uri,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, ClusterError> {
    if let Some(proxy) = kubeconfig.filter(|proxy| !proxy.is_empty()) {
        return parse(proxy, "proxy-url of the kubeconfig").map(Some);
    }
    let named = |upper: &str| {
        let found =
            [upper.to_owned(), upper.to_lowercase()].into_iter().find_map(|name| Some((environment(&name)?, name)));
        found.filter(|(value, _)| !value.is_empty())
    };
    let is_plain = server.scheme_str() == Some("http");
    let Some((proxy, name)) = named(if is_plain { "HTTP_PROXY" } else { "HTTPS_PROXY" }) else {
        return Ok(None);
    };
    let exceptions = named("NO_PROXY").map_or(String::new(), |(value, _)| value);
    if is_loopback(server) || is_excepted(server, &exceptions) {
        return Ok(None);
    }
    parse(&proxy, &name).map(Some)
}

fn parse(proxy: &str, origin: &str) -> Result<Uri, ClusterError> {
    // `proxy:3128` is how curl and kubectl take it, too.
    let full = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    // The address is not repeated: it may hold a password.
    let uri: Uri = full
        .parse()
        .map_err(|error| ClusterError::Config(format!("{origin} is not the address of a proxy: {error}")))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(uri),
        scheme => Err(ClusterError::Config(format!(
            "{origin} names a proxy of the kind `{}`: only http, https and socks5 are understood",
            scheme.unwrap_or_default()
        ))),
    }
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Tells whether `NO_PROXY` names the server: by name, domain, address or network, each with a port or without.
fn is_excepted(server: &Uri, exceptions: &str) -> bool {
    let own_port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let hosts = exceptions.split(',').map(str::trim).filter_map(|entry| match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (port.parse() == Ok(own_port)).then_some(host)
        }
        _ => Some(entry),
    });
    let hosts: Vec<&str> = hosts.filter(|host| !host.is_empty()).collect();
    let any = "http://any.invalid";
    // The matcher takes `*` for names only.
    hosts.contains(&"*") || Matcher::builder().all(any).no(hosts.join(",")).build().intercept(server).is_none()
}

/// Names a proxy without the password that its address may hold.
pub(super) fn describe(proxy: &Uri) -> String {
    let port = proxy.port_u16().map_or(String::new(), |port| format!(":{port}"));
    format!("{}{port}", proxy.host().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kubeconfig: Option<&str>, server: &str, environment: &[(&str, &str)]) -> Option<String> {
        let read = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        choose(kubeconfig, &server.parse().unwrap(), read).unwrap().map(|uri| uri.to_string())
    }

    #[test]
    fn the_environment_names_a_proxy_unless_no_proxy_covers_the_server() {
        let with = |no_proxy| [("HTTPS_PROXY", "http://u:p@proxy:3128"), ("NO_PROXY", no_proxy)];
        let server = "https://10.1.2.3:6443";
        for covering in ["10.1.2.3", "10.0.0.0/8", "*", "a, 10.1.2.3,", "10.1.2.3:6443", ",,10.1.2.3"] {
            assert_eq!(chosen(None, server, &with(covering)), None, "{covering}");
        }
        for other in ["", ",", "10.1.2.4", "proxy", "proxy:3128", "10.1.2.3:443", "example.com,"] {
            assert_eq!(chosen(None, server, &with(other)).unwrap(), "http://u:p@proxy:3128/", "{other}");
        }
        assert_eq!(chosen(None, "https://api.example.com", &with(".example.com,")), None);
        assert!(chosen(None, "https://notexample.com", &with("example.com")).is_some());
    }

    #[test]
    fn a_loopback_server_and_a_plain_one_are_treated_as_kubectl_treats_them() {
        let proxy = [("https_proxy", "proxy:3128")];
        assert_eq!(chosen(None, "https://127.0.0.1:6443", &proxy), None);
        assert_eq!(chosen(None, "https://[::1]:6443", &proxy), None);
        assert_eq!(chosen(None, "http://10.0.0.1", &proxy), None);
        assert_eq!(chosen(None, "https://10.0.0.1", &proxy).unwrap(), "http://proxy:3128/");
    }

    #[test]
    fn the_kubeconfig_overrules_the_environment() {
        let environment = [("HTTPS_PROXY", "http://other"), ("NO_PROXY", "*")];
        assert_eq!(chosen(Some("socks5://s:1"), "https://10.0.0.1", &environment).unwrap(), "socks5://s:1/");
    }
}

//! Which hosts and sockets the driver of a provider reaches, by the provider's settings, and whether it may. Pure.
//!
//! Settings open the way, a grant can close it: what both name is reached. Absent: what documents of a provider name besides, of
//! which the same grant is asked when it is reached (`capability::http`).

use crate::{capability::network::Own, config::Grant};
use std::collections::BTreeSet;
use url::Url;

/// Ports of schemes that `url` does not know.
const PORTS: [(&str, u16); 2] = [("ldap", 389), ("ldaps", 636)];

/// Where a provider's settings lead: `host:port`, and `unix:/path`.
pub(super) fn places(own: &Own) -> BTreeSet<String> {
    let hosts = own.urls.iter().chain(&own.documents).filter_map(host).map(|(host, port)| match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    });
    hosts.chain(own.sockets.iter().map(|path| format!("unix:{path}"))).collect()
}

/// What is wrong with settings that lead where the driver may not go.
pub(super) fn beyond(own: &Own, grant: &Grant, driver: &str) -> Vec<String> {
    let refused = |place: &str| {
        format!("its settings lead to {place}, which GATEWIT_GRANTS does not give the driver {driver:?}; add it there")
    };
    let mut problems = Vec::new();
    if let Some(granted) = &grant.hosts {
        let hosts = own.urls.iter().chain(&own.documents).filter_map(host);
        let foreign = hosts.filter(|(host, port)| !granted.iter().any(|pattern| pattern.names(host, *port)));
        problems.extend(foreign.map(|(host, _)| refused(&host)));
    }
    if let Some(granted) = &grant.sockets {
        problems.extend(own.sockets.iter().filter(|path| !granted.contains(*path)).map(|path| refused(path)));
    }
    problems.sort();
    problems.dedup();
    problems
}

fn host(url: &Url) -> Option<(String, Option<u16>)> {
    let known = PORTS.iter().find(|(scheme, _)| *scheme == url.scheme()).map(|(_, port)| *port);
    Some((url.host_str()?.trim_end_matches('.').to_ascii_lowercase(), url.port_or_known_default().or(known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn own() -> Own {
        let parse = |text: &str| Url::parse(text).unwrap();
        Own {
            urls: vec![parse("ldap://directory.example.com"), parse("https://Api.Example.com/x")],
            documents: vec![parse("http://127.0.0.1:4000/.well-known/openid-configuration")],
            sockets: vec!["/run/ldapi".to_owned()],
            ..Own::default()
        }
    }

    fn grant(text: &str) -> Grant {
        let environment = [("GATEWIT_GRANTS".to_owned(), format!("{{\"acme\":{text}}}"))].into();
        let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
        config.engine.grants["acme"].clone()
    }

    #[test]
    fn settings_lead_to_hosts_with_their_ports() {
        let places: Vec<_> = places(&own()).into_iter().collect();
        assert_eq!(places, ["127.0.0.1:4000", "api.example.com:443", "directory.example.com:389", "unix:/run/ldapi"]);
    }

    #[test]
    fn a_grant_closes_what_it_does_not_name() {
        assert!(beyond(&own(), &grant("{}"), "acme").is_empty(), "without a list, settings decide");
        let all = r#"{"hosts":["*.example.com","127.0.0.1:4000"],"sockets":["/run/ldapi"]}"#;
        assert!(beyond(&own(), &grant(all), "acme").is_empty());
        let told = beyond(&own(), &grant(r#"{"hosts":["*.example.com:443"],"sockets":[]}"#), "acme");
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter().any(|line| line.contains("directory.example.com"))
                && told.iter().any(|line| line.contains("/run/ldapi"))
        );
    }
}

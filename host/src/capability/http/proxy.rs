//! Which proxy a request takes.
//!
//! `hyper-util` knows what everybody means by `NO_PROXY`: names with all below them, addresses and networks. Deliberately
//! absent: reading variables, and what the provider's own settings leave to the general ones is decided in one place
//! ([`Proxies::new`]).

use crate::{Secret, config};
use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The proxies for the requests of one provider.
pub(super) struct Proxies(Matcher);

/// What a provider sets differently.
#[derive(Default)]
pub(crate) struct OwnProxy {
    pub(crate) proxy: Choice,
    pub(crate) no_proxy: Option<Vec<String>>,
}

/// A proxy for all addresses of a provider.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// What holds for all providers.
    #[default]
    General,
    /// None, whatever holds for the others.
    Direct,
    /// This one.
    This(Secret<String>),
}

impl Proxies {
    pub(super) fn new(general: &config::Outbound, own: &OwnProxy) -> Self {
        let (http, https) = match &own.proxy {
            Choice::This(proxy) => (Some(proxy), Some(proxy)),
            Choice::Direct => (None, None),
            Choice::General => (general.http_proxy.as_ref(), general.https_proxy.as_ref()),
        };
        let no_proxy = own.no_proxy.as_ref().unwrap_or(&general.no_proxy).join(",");
        let mut builder = Matcher::builder().no(no_proxy);
        if let Some(proxy) = http {
            builder = builder.http(proxy.expose());
        }
        if let Some(proxy) = https {
            builder = builder.https(proxy.expose());
        }
        Self(builder.build())
    }

    /// The proxy on the way to `target`, if there is one.
    pub(super) fn find(&self, target: &Uri) -> Option<Intercept> {
        self.0.intercept(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general() -> config::Outbound {
        config::Outbound {
            http_proxy: Some(Secret::new("http://plain.example:1/".to_owned())),
            https_proxy: Some(Secret::new("https://user:p%40ss@secure.example:2/".to_owned())),
            no_proxy: [".internal.example", "10.0.0.0/8", "only.example"].map(ToOwned::to_owned).to_vec(),
            ..config::Outbound::default()
        }
    }

    fn taken(proxies: &Proxies, target: &str) -> Option<String> {
        proxies.find(&target.parse().unwrap()).map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = Proxies::new(&general(), &OwnProxy::default());
        assert_eq!(taken(&proxies, "http://id.example.com/").as_deref(), Some("http://plain.example:1/"));
        assert_eq!(taken(&proxies, "https://id.example.com/").as_deref(), Some("https://secure.example:2/"));
        let proxy = proxies.find(&Uri::from_static("https://id.example.com/")).unwrap();
        assert_eq!(proxy.basic_auth().unwrap(), "Basic dXNlcjpwQHNz");
        assert!(!format!("{proxy:?}").contains("ss@"), "{proxy:?}");
    }

    #[test]
    fn some_hosts_are_reached_without() {
        let proxies = Proxies::new(&general(), &OwnProxy::default());
        for target in ["http://a.internal.example/", "https://10.1.2.3/", "https://only.example:8443/"] {
            assert_eq!(taken(&proxies, target), None, "{target}");
        }
        assert!(taken(&proxies, "https://notonly.example/").is_some());
        let all = config::Outbound { no_proxy: vec!["*".to_owned()], ..general() };
        assert_eq!(taken(&Proxies::new(&all, &OwnProxy::default()), "http://id.example.com/"), None);
    }

    #[test]
    fn a_provider_may_have_its_own() {
        let own = |proxy| OwnProxy { proxy, no_proxy: None };
        let this = Choice::This(Secret::new("http://own.example:3/".to_owned()));
        let proxies = Proxies::new(&general(), &own(this));
        for target in ["http://id.example.com/", "https://id.example.com/"] {
            assert_eq!(taken(&proxies, target).as_deref(), Some("http://own.example:3/"));
        }
        assert_eq!(taken(&proxies, "https://only.example/"), None, "the general exceptions hold");
        assert_eq!(taken(&Proxies::new(&general(), &own(Choice::Direct)), "https://id.example.com/"), None);
        let exceptions = OwnProxy { no_proxy: Some(vec!["id.example.com".to_owned()]), ..OwnProxy::default() };
        let proxies = Proxies::new(&general(), &exceptions);
        assert_eq!(taken(&proxies, "https://id.example.com/"), None);
        assert!(taken(&proxies, "https://only.example/").is_some(), "its exceptions stand in for the general ones");
    }
}

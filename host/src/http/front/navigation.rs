//! Where browsers go to sign in, and back.
//!
//! Invariant: a browser is sent to the page where people sign in, to a path of the host that it is on, or to an origin that is
//! listed; whatever a link or a header says. Deliberately absent: whether somebody is signed in.

use super::super::{cors, percent};
use crate::{
    config::{AllowedOrigin, Config},
    http::headers,
};
use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};
use url::Url;

const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// Where browsers come back to from the sign-in page, to be sent on to another origin.
pub(crate) const RETURN: &str = "/gatewit/return";

/// Bytes of an address that a browser is sent back to. Browsers and servers take eight thousand.
const ADDRESS_BYTES_MAX: usize = 8 << 10;

/// What somebody was looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Original {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// Path and query.
    pub(super) path: String,
}

impl Original {
    /// `origin` as the request shows it, which may be nonsense. `path` begins with one slash, however many it had: two would
    /// name another host.
    pub(super) fn new(origin: &str, path: &str) -> Option<Self> {
        let origin = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?.origin();
        let path = format!("/{}", path.strip_prefix('/')?.trim_start_matches(['/', '\\']));
        let fits = path.len() <= ADDRESS_BYTES_MAX && path.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self { origin: origin.ascii_serialization(), path })
    }

    /// What a proxy asks about.
    pub(super) fn forwarded(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers::text(headers, name);
        let origin = format!("{}://{}", text(PROTO)?, text(HOST)?);
        Self::new(&origin, &text(URI)?)
    }

    /// The query of the request.
    pub(super) fn query(&self) -> Option<&str> {
        self.path.split_once('?').map(|(_, query)| query)
    }
}

/// Where people sign in.
pub(crate) struct SignIn {
    page: String,
    /// The origin of the page; `None` where it is on every host.
    origin: Option<String>,
    /// Where browsers come back to from there, to go to another origin.
    back: String,
    allowed: Vec<AllowedOrigin>,
}

impl SignIn {
    pub(crate) fn new(config: &Config) -> Self {
        let public = config.server.public_url.trim_end_matches('/');
        let page = config.front.sign_in_url.clone().unwrap_or_else(|| format!("{public}/admin/login"));
        let of = |address: &str| Some(Url::parse(address).ok()?.origin().ascii_serialization());
        let (origin, ours) = (of(&page), of(public));
        let below =
            Url::parse(public).map_or_else(|_| public.to_owned(), |url| url.path().trim_end_matches('/').to_owned());
        // Elsewhere the path alone would be a path of that host.
        let back =
            if origin == ours || ours.is_none() { format!("{below}{RETURN}") } else { format!("{public}{RETURN}") };
        Self { page, origin, back, allowed: config.front.return_origins.clone() }
    }

    /// The page, with the way back to what somebody was looking at, if they may be sent there.
    pub(super) fn location(&self, original: Option<&Original>) -> String {
        let back = original.and_then(|original| match &self.origin {
            None => Some(original.path.clone()),
            Some(origin) if *origin == original.origin => Some(original.path.clone()),
            Some(_) if self.allows(&original.origin) => {
                let address = format!("{}{}", original.origin, original.path);
                Some(format!("{}?to={}", self.back, percent::encode(&address)))
            }
            Some(_) => None,
        });
        let join = if self.page.contains('?') { '&' } else { '?' };
        back.map_or_else(|| self.page.clone(), |back| format!("{}{join}redirect={}", self.page, percent::encode(&back)))
    }

    /// The address that a browser may be sent on to.
    pub(super) fn onward(&self, to: &str) -> Option<String> {
        let url = Url::parse(to).ok().filter(|_| to.len() <= ADDRESS_BYTES_MAX)?;
        let is_bare = url.username().is_empty() && url.password().is_none();
        let is_listed = matches!(url.scheme(), "http" | "https") && self.allows(&url.origin().ascii_serialization());
        (is_bare && is_listed).then(|| url.into())
    }

    fn allows(&self, origin: &str) -> bool {
        cors::is_listed(&self.allowed, origin)
    }
}

/// Whether a person is looking, who can be sent to a page: a page is asked for, by no program.
pub(super) fn is_navigation(method: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers::text(headers, name);
    let method = headers::text(headers, METHOD).unwrap_or_else(|| method.to_owned());
    let is_read = method == "GET" || method == "HEAD";
    let takes_page = text(header::ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
    let mode = text("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    let is_program = text("x-requested-with").is_some() || headers.contains_key(header::AUTHORIZATION);
    is_read && takes_page && mode && !is_program
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn sign_in(public_url: &str, page: Option<&str>) -> SignIn {
        let mut config = Config::default();
        config.server.public_url = public_url.to_owned();
        config.front.sign_in_url = page.map(str::to_owned);
        config.front.return_origins = vec![AllowedOrigin::Exactly("https://app.example.com".to_owned())];
        SignIn::new(&config)
    }

    fn original(origin: &str, path: &str) -> Original {
        Original::new(origin, path).unwrap()
    }

    #[test]
    fn on_the_same_host_a_path_is_enough() {
        let here = sign_in("/", None);
        let original = original("https://anything.example", "/a?b=c&d");
        assert_eq!(here.location(Some(&original)), "/admin/login?redirect=%2Fa%3Fb%3Dc%26d");
        assert_eq!(here.location(None), "/admin/login");
    }

    #[test]
    fn from_another_origin_the_way_back_leads_through_here() {
        let elsewhere = sign_in("https://auth.example.com/below/", None);
        let listed = original("https://app.example.com", "/a?b=c");
        let back = percent::encode("/below/gatewit/return?to=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc");
        assert_eq!(
            elsewhere.location(Some(&listed)),
            format!("https://auth.example.com/below/admin/login?redirect={back}")
        );
        let stranger = original("https://evil.example", "/a");
        assert_eq!(elsewhere.location(Some(&stranger)), "https://auth.example.com/below/admin/login");
        let own = original("https://auth.example.com", "/x");
        assert_eq!(elsewhere.location(Some(&own)), "https://auth.example.com/below/admin/login?redirect=%2Fx");
    }

    #[test]
    fn a_page_of_somebody_else_is_told_where_we_are() {
        let page = sign_in("https://auth.example.com", Some("https://pages.example.com/in?a=b"));
        let location = page.location(Some(&original("https://app.example.com", "/")));
        assert!(
            location.starts_with(
                "https://pages.example.com/in?a=b&redirect=https%3A%2F%2Fauth.example.com%2Fgatewit%2Freturn"
            ),
            "{location}"
        );
    }

    #[test]
    fn nobody_is_sent_to_strangers() {
        let sign_in = sign_in("https://auth.example.com", None);
        assert_eq!(sign_in.onward("https://app.example.com/a?b").as_deref(), Some("https://app.example.com/a?b"));
        for bad in [
            "https://evil.example/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://user@app.example.com/",
            "http://app.example.com/",
            "//app.example.com/",
            "/a",
            "javascript:alert(1)",
            "https:\\\\evil.example",
            "",
        ] {
            assert_eq!(sign_in.onward(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_names_no_host() {
        for (path, kept) in
            [("//evil.example/x", "/evil.example/x"), ("/\\evil.example", "/evil.example"), ("/a//b", "/a//b")]
        {
            assert_eq!(original("http://a", path).path, kept);
        }
        assert_eq!(Original::new("http://a", "evil"), None);
        assert_eq!(Original::new("http://a", "/a b"), None);
        assert_eq!(Original::new("javascript://a", "/"), None);
    }

    #[test]
    fn pages_are_for_people() {
        let of = |method: &str, pairs: &[(&'static str, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_navigation(method, &headers.collect())
        };
        let page = ("accept", "text/html,*/*;q=0.8");
        assert!(of("GET", &[page]) && of("GET", &[page, ("sec-fetch-mode", "navigate")]));
        assert!(!of("GET", &[("accept", "*/*")]) && !of("GET", &[]) && !of("POST", &[page]));
        assert!(!of("GET", &[page, ("sec-fetch-mode", "cors")]) && !of("GET", &[page, ("authorization", "Bearer x")]));
        assert!(!of("GET", &[page, ("x-forwarded-method", "POST")]) && !of("GET", &[page, ("x-requested-with", "a")]));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_a_browser_stays_with_us(origin in "\\PC{0,30}", path in "[/\\\\]{0,3}\\PC{0,20}") {
            let Some(original) = Original::new(&format!("https://{origin}"), &path) else { return Ok(()) };
            let location = sign_in("/", None).location(Some(&original));
            let base = Url::parse("https://here.example/").unwrap();
            prop_assert_eq!(base.join(&location).unwrap().origin(), base.origin());
            let (_, redirect) = location.split_once("redirect=").unwrap();
            let back = base.join(&percent::decode(redirect).unwrap()).unwrap();
            prop_assert_eq!(back.origin(), base.origin());
        }
    }
}

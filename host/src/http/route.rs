//! The table of routes: path and method → [`Route`].
//!
//! Invariants: paths match whatever their case, with or without one slash at the end; the text that names a route is
//! matched as it was sent, only a parameter is percent-decoded; a known path with the wrong method is [`Route::Unknown`]
//! like any other, because the wire answers 404 there, not 405. Deliberately absent: handlers, and which providers exist.

use hyper::Method;

use super::{
    operate::route::{self as operate, Place},
    percent,
};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /server/ping`
    Ping,
    /// `GET /server/info`
    Info,
    /// `GET /server/health`
    Health,
    /// `GET /`
    Root,
    /// `GET /robots.txt`
    Robots,
    /// `GET /admin…`; holds what follows `/admin`, as it was sent.
    Admin(String),
    /// `GET /server/specs/oas`
    Specification,
    /// `GET /server/specs/graphql/system`
    GraphqlSchema,
    /// `/graphql/system`, with any method: it refuses some by itself.
    Graphql,
    /// `GET /utils/random/string`
    RandomString,
    /// `GET /auth`
    Providers,
    /// `POST /auth/login`
    Login,
    /// `POST /auth/login/<provider>`
    LoginWith(String),
    /// What a browser, or a provider, does at `/auth/login/<provider>`
    SingleSignOn(Step, String),
    /// `GET /users/me/identities`
    Identities,
    /// `POST /users/me/identities/<provider>`
    Link(String),
    /// `DELETE /users/me/identities/<id>`
    Unlink(String),
    /// `GET /users/me/sessions`
    OwnSessions,
    /// `DELETE /users/me/sessions`
    EndOtherSessions,
    /// `DELETE /users/me/sessions/<id>`
    EndOwnSession(String),
    /// `GET /gatewit/forward-auth`: a proxy asks whether a request may go on.
    ForwardAuth,
    /// `GET /gatewit/return`: back to an application after a sign-in.
    Return,
    /// `GET /metrics`
    Metrics,
    /// What operators do under `/gatewit`.
    Operate(Verb, Place),
    /// `POST /auth/refresh`
    Refresh,
    /// `POST /auth/logout`
    Logout,
    /// `POST /auth/password/request`
    RequestReset,
    /// `POST /auth/password/reset`
    Reset,
    /// `POST /users/register`
    Register,
    /// `GET /users/register/verify-email`
    VerifyEmail,
    /// `POST /users/invite`
    Invite,
    /// `POST /users/invite/accept`
    Accept,
    /// `GET /users/me`
    Me,
    /// `PATCH /users/me`
    UpdateMe,
    /// `PATCH /users/me/track/page`
    TrackPage,
    /// `POST /users/me/tfa/…`
    Factor(Factor),
    /// `POST /users/<id>/tfa/disable`
    RemoveFactor(String),
    /// `GET /policies/me/globals`, `/roles/me`, `/permissions/me`: the form of the answer.
    Rights(&'static str),
    /// `POST /shares/auth`
    ShareLogin,
    /// `GET /shares/info/<id>`
    ShareInfo(String),
    /// Records of a collection.
    Records(Verb, &'static str),
    /// One record of a collection.
    Record(Verb, &'static str, String),
    /// `OPTIONS` of a path above. Where the path names a provider, it exists only if the provider does.
    Options {
        /// The methods of the path, as `Allow` lists them.
        allow: String,
        /// The provider that the path names.
        provider: Option<String>,
    },
    /// Nothing is here.
    Unknown,
}

/// A step of a sign-in at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `GET /auth/login/<provider>`
    Begin,
    /// `GET …/callback`
    Return,
    /// `POST …/callback`
    ReturnByForm,
    /// `POST …/acs`, the callback of SAML
    ReturnInForm,
    /// `GET …/metadata`
    Metadata,
    /// `POST …/logout`
    Leave,
    /// `GET …/logout`, by the provider
    Message,
    /// `POST …/backchannel-logout`
    Notice,
}

/// What is done to a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// `generate`
    Generate,
    /// `qr-code`
    Picture,
    /// `enable`
    Enable,
    /// `disable`
    Disable,
    /// `recovery-codes`
    RecoveryCodes,
}

/// What is done to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `GET`
    Read,
    /// `SEARCH`: as `GET`, with the query in the body.
    Search,
    /// `POST`
    Create,
    /// `PATCH`, and `PUT` where a whole file takes the place of another
    Update,
    /// `DELETE`
    Delete,
}

impl Route {
    /// Whether the request is served without looking at its token.
    pub(crate) fn skips_authentication(&self) -> bool {
        // A browser on its way from a provider may bring a session that has ended, which is why it was sent there.
        let looks_by_itself = matches!(self, Self::ForwardAuth | Self::Return);
        looks_by_itself
            || matches!(self, Self::Ping | Self::Root | Self::Robots | Self::Admin(_) | Self::SingleSignOn(..))
    }

    /// Whether the body is a form.
    pub(crate) fn takes_form(&self) -> bool {
        matches!(self, Self::SingleSignOn(..))
    }
}

/// Collections by the first part of their paths. Of the last two, records come to be by themselves.
const COLLECTIONS: [(&str, &str); 9] = [
    ("users", "directus_users"),
    ("roles", "directus_roles"),
    ("policies", "directus_policies"),
    ("access", "directus_access"),
    ("permissions", "directus_permissions"),
    ("settings", "directus_settings"),
    ("shares", "directus_shares"),
    ("activity", "directus_activity"),
    ("revisions", "directus_revisions"),
];

/// The route of a request. `path` is the path of its target, without query and not decoded.
pub(crate) fn find(method: &Method, path: &str) -> Route {
    let Some(offers) = offers(path) else { return Route::Unknown };
    if offers.iter().any(|(_, route)| *route == Route::Graphql) {
        return Route::Graphql;
    }
    if *method == Method::OPTIONS {
        return options(&offers);
    }
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let found = offers.into_iter().find(|(offered, _)| *offered == wanted.as_str());
    found.map_or(Route::Unknown, |(_, route)| route)
}

pub(super) type Offers = Vec<(&'static str, Route)>;

/// What a path offers: methods in the order in which they are listed, each with its route.
fn offers(path: &str) -> Option<Offers> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let mut segments = trimmed.split('/');
    // The empty piece before the leading slash.
    segments.next().filter(|before| before.is_empty())?;
    let names: Vec<_> = segments.map(str::to_ascii_lowercase).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    // A parameter is taken as it was sent.
    let sent = |place: usize| percent::decode(trimmed.split('/').nth(place + 1)?).filter(|text| !text.is_empty());
    let step = |step| Some(Route::SingleSignOn(step, sent(2)?));
    let get = |route| vec![("GET", route)];
    let post = |route| vec![("POST", route)];
    Some(match names.as_slice() {
        [] => get(Route::Root),
        ["robots.txt"] => get(Route::Robots),
        ["admin", ..] => get(Route::Admin(path.get("/admin".len()..).unwrap_or_default().to_owned())),
        ["server", "ping"] => get(Route::Ping),
        ["server", "info"] => get(Route::Info),
        ["server", "health"] => get(Route::Health),
        ["server", "specs", "oas"] => get(Route::Specification),
        ["server", "specs", "graphql", "system"] => get(Route::GraphqlSchema),
        ["graphql", "system"] => vec![("GET", Route::Graphql), ("POST", Route::Graphql)],
        ["utils", "random", "string"] => get(Route::RandomString),
        ["auth"] => get(Route::Providers),
        ["auth", "login"] => post(Route::Login),
        ["auth", "login", _] => vec![("GET", step(Step::Begin)?), ("POST", Route::LoginWith(sent(2)?))],
        ["auth", "login", _, "callback"] => vec![("GET", step(Step::Return)?), ("POST", step(Step::ReturnByForm)?)],
        ["auth", "login", _, "acs"] => post(step(Step::ReturnInForm)?),
        ["auth", "login", _, "metadata"] => get(step(Step::Metadata)?),
        ["auth", "login", _, "logout"] => vec![("GET", step(Step::Message)?), ("POST", step(Step::Leave)?)],
        ["auth", "login", _, "backchannel-logout"] => post(step(Step::Notice)?),
        ["auth", "refresh"] => post(Route::Refresh),
        ["auth", "logout"] => post(Route::Logout),
        ["auth", "password", "request"] => post(Route::RequestReset),
        ["auth", "password", "reset"] => post(Route::Reset),
        ["users", "register"] => post(Route::Register),
        ["users", "register", "verify-email"] => get(Route::VerifyEmail),
        ["users", "invite"] => post(Route::Invite),
        ["users", "invite", "accept"] => post(Route::Accept),
        ["users", "me"] => vec![("GET", Route::Me), ("PATCH", Route::UpdateMe)],
        ["users", "me", "track", "page"] => vec![("PATCH", Route::TrackPage)],
        ["users", "me", "tfa", what] => post(Route::Factor(factor(what)?)),
        ["users", "me", "identities"] => get(Route::Identities),
        ["users", "me", "identities", _] => vec![("POST", Route::Link(sent(3)?)), ("DELETE", Route::Unlink(sent(3)?))],
        ["users", "me", "sessions"] => vec![("GET", Route::OwnSessions), ("DELETE", Route::EndOtherSessions)],
        ["users", "me", "sessions", _] => vec![("DELETE", Route::EndOwnSession(sent(3)?))],
        ["metrics"] => get(Route::Metrics),
        ["gatewit", "forward-auth"] => get(Route::ForwardAuth),
        ["gatewit", "return"] => get(Route::Return),
        ["gatewit", names @ ..] => operate::offers(names, sent)?,
        ["users", _, "tfa", "disable"] => post(Route::RemoveFactor(sent(1)?)),
        ["policies", "me", "globals"] => get(Route::Rights("globals")),
        ["roles", "me"] => get(Route::Rights("roles")),
        ["permissions", "me"] => get(Route::Rights("permissions")),
        ["shares", "auth"] => post(Route::ShareLogin),
        ["shares", "info", _] => get(Route::ShareInfo(sent(2)?)),
        [first] => records(collection(first)?),
        [first, _] => record(collection(first)?, &sent(1)?)?,
        _ => return None,
    })
}

fn collection(first: &str) -> Option<&'static str> {
    COLLECTIONS.iter().find(|(name, _)| *name == first).map(|(_, collection)| *collection)
}

fn factor(what: &str) -> Option<Factor> {
    Some(match what {
        "generate" => Factor::Generate,
        "qr-code" => Factor::Picture,
        "enable" => Factor::Enable,
        "disable" => Factor::Disable,
        "recovery-codes" => Factor::RecoveryCodes,
        _ => return None,
    })
}

fn records(collection: &'static str) -> Offers {
    let of = |verb| Route::Records(verb, collection);
    let mut offers = vec![("GET", of(Verb::Read)), ("SEARCH", of(Verb::Search))];
    match collection {
        "directus_settings" => offers = vec![("GET", of(Verb::Read)), ("PATCH", of(Verb::Update))],
        "directus_activity" | "directus_revisions" => {}
        _ => offers.extend([("POST", of(Verb::Create)), ("PATCH", of(Verb::Update)), ("DELETE", of(Verb::Delete))]),
    }
    offers
}

fn record(collection: &'static str, id: &str) -> Option<Offers> {
    let of = |verb| Route::Record(verb, collection, id.to_owned());
    match collection {
        "directus_settings" => None,
        "directus_activity" | "directus_revisions" => Some(vec![("GET", of(Verb::Read))]),
        _ => Some(vec![("GET", of(Verb::Read)), ("PATCH", of(Verb::Update)), ("DELETE", of(Verb::Delete))]),
    }
}

fn options(offers: &Offers) -> Route {
    let provider = offers.iter().find_map(|(_, route)| match route {
        Route::LoginWith(name) | Route::SingleSignOn(_, name) | Route::Link(name) => Some(name.clone()),
        _ => None,
    });
    let names: Vec<_> = offers.iter().map(|(method, _)| if *method == "GET" { "GET,HEAD" } else { method }).collect();
    Route::Options { allow: names.join(","), provider }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(path: &str) -> Route {
        find(&Method::GET, path)
    }

    fn post(path: &str) -> Route {
        find(&Method::POST, path)
    }

    #[test]
    fn every_route_is_found() {
        assert_eq!(get("/server/ping"), Route::Ping);
        assert_eq!(get("/server/info"), Route::Info);
        assert_eq!(get("/server/health"), Route::Health);
        assert_eq!(get("/"), Route::Root);
        assert_eq!(get("/robots.txt"), Route::Robots);
        assert_eq!(get("/server/specs/oas"), Route::Specification);
        assert_eq!(get("/server/specs/graphql/system"), Route::GraphqlSchema);
        assert_eq!(get("/server/specs/graphql"), Route::Unknown);
        for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
            assert_eq!(find(&method, "/graphql/system"), Route::Graphql, "{method}");
        }
        assert_eq!(post("/graphql"), Route::Unknown, "there are no items");
        assert_eq!(get("/auth"), Route::Providers);
        assert_eq!(get("/users/me"), Route::Me);
        assert_eq!(post("/auth/login"), Route::Login);
        assert_eq!(post("/auth/refresh"), Route::Refresh);
        assert_eq!(post("/auth/logout"), Route::Logout);
        assert_eq!(post("/auth/login/acme"), Route::LoginWith("acme".to_owned()));
        let step = |step| Route::SingleSignOn(step, "acme".to_owned());
        assert_eq!(get("/auth/login/acme"), step(Step::Begin));
        assert_eq!(get("/auth/login/acme/callback"), step(Step::Return));
        assert_eq!(post("/auth/login/acme/callback"), step(Step::ReturnByForm));
        assert_eq!(post("/auth/login/acme/acs"), step(Step::ReturnInForm));
        assert_eq!(get("/auth/login/acme/metadata"), step(Step::Metadata));
        assert_eq!(post("/auth/login/acme/logout"), step(Step::Leave));
        assert_eq!(get("/auth/login/acme/logout"), step(Step::Message));
        assert_eq!(post("/auth/login/acme/backchannel-logout"), step(Step::Notice));
        assert_eq!(get("/users/me/identities"), Route::Identities);
        assert_eq!(post("/users/me/identities/acme"), Route::Link("acme".to_owned()));
    }

    #[test]
    fn records_are_found_by_collection_and_id() {
        assert_eq!(get("/users"), Route::Records(Verb::Read, "directus_users"));
        assert_eq!(post("/roles/"), Route::Records(Verb::Create, "directus_roles"));
        assert_eq!(get("/users/Some%20Id"), Route::Record(Verb::Read, "directus_users", "Some Id".to_owned()));
        assert_eq!(find(&Method::PATCH, "/settings"), Route::Records(Verb::Update, "directus_settings"));
        let search = Method::from_bytes(b"SEARCH").unwrap();
        assert_eq!(find(&search, "/users"), Route::Records(Verb::Search, "directus_users"));
        assert_eq!(post("/activity"), Route::Unknown);
        assert_eq!(get("/settings/1"), Route::Unknown);
        assert_eq!(get("/articles"), Route::Unknown);
    }

    #[test]
    fn accounts_have_paths_of_their_own() {
        assert_eq!(get("/roles/me"), Route::Rights("roles"));
        assert_eq!(find(&Method::PATCH, "/users/me"), Route::UpdateMe);
        assert_eq!(post("/users/me/tfa/enable"), Route::Factor(Factor::Enable));
        assert_eq!(post("/users/AbC/tfa/disable"), Route::RemoveFactor("AbC".to_owned()));
        assert_eq!(post("/users/me/tfa/nope"), Route::Unknown);
        assert_eq!(get("/shares/info/x"), Route::ShareInfo("x".to_owned()));
    }

    #[test]
    fn case_and_one_trailing_slash_do_not_matter() {
        assert_eq!(post("/AUTH/Login/"), Route::Login);
        assert_eq!(get("/auth/"), Route::Providers);
        assert_eq!(post("/auth/login/Acme%20Inc/"), Route::LoginWith("Acme Inc".to_owned()));
        assert_eq!(post("/auth/login//"), Route::Unknown);
        assert_eq!(post("//auth/login"), Route::Unknown);
    }

    #[test]
    fn only_parameters_are_decoded() {
        assert_eq!(post("/auth/%6Cogin"), Route::Unknown);
        assert_eq!(post("/auth/login/%zz"), Route::Unknown);
        assert_eq!(post("/auth/login/a%2Fb"), Route::LoginWith("a/b".to_owned()));
    }

    #[test]
    fn a_wrong_method_is_an_unknown_route() {
        for (method, path) in [
            (Method::GET, "/auth/login"),
            (Method::PUT, "/auth/login"),
            (Method::GET, "/auth/refresh"),
            (Method::POST, "/auth"),
            (Method::POST, "/server/ping"),
            (Method::DELETE, "/users/me"),
            (Method::GET, "/auth/unknown"),
            (Method::GET, "/nonexistent"),
            (Method::GET, "/auth/login/acme/more"),
            (Method::OPTIONS, "/nonexistent"),
            (Method::OPTIONS, "*"),
        ] {
            assert_eq!(find(&method, path), Route::Unknown, "{method} {path}");
        }
    }

    #[test]
    fn head_goes_where_get_goes() {
        assert_eq!(find(&Method::HEAD, "/server/ping"), Route::Ping);
        assert_eq!(find(&Method::HEAD, "/auth/login"), Route::Unknown);
    }

    #[test]
    fn options_lists_the_methods_of_a_path() {
        let options = |path: &str| find(&Method::OPTIONS, path);
        assert_eq!(options("/auth/login"), Route::Options { allow: "POST".to_owned(), provider: None });
        assert_eq!(options("/server/ping"), Route::Options { allow: "GET,HEAD".to_owned(), provider: None });
        let provider = Some("acme".to_owned());
        assert_eq!(options("/auth/login/acme"), Route::Options { allow: "GET,HEAD,POST".to_owned(), provider });
    }

    #[test]
    fn admin_keeps_what_follows() {
        assert_eq!(get("/admin"), Route::Admin(String::new()));
        assert_eq!(get("/Admin/Login/"), Route::Admin("/Login/".to_owned()));
        assert_eq!(get("/administrator"), Route::Unknown);
    }

    #[test]
    fn some_places_are_open_to_any_token() {
        for path in ["/server/ping", "/", "/robots.txt", "/admin/login", "/auth/login/acme"] {
            assert!(get(path).skips_authentication(), "{path}");
        }
        for path in ["/server/info", "/server/health", "/auth", "/users/me", "/nonexistent"] {
            assert!(!get(path).skips_authentication(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_routed_without_panic(path in "(/|admin|auth|login|%|\\PC){0,12}") {
            let _ = (get(&path), post(&path), find(&Method::OPTIONS, &path));
        }
    }
}

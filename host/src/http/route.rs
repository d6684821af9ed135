//! The table of routes: path and method → [`Route`].
//!
//! Invariants: paths match whatever their case, with or without one slash at the end; the text that names a route is
//! matched as it was sent, only a parameter is percent-decoded; a known path with the wrong method is [`Route::Unknown`]
//! like any other, because the wire answers 404 there, not 405. Deliberately absent: handlers, and which providers exist.

use hyper::Method;

use super::percent;

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
    /// `GET /auth`
    Providers,
    /// `POST /auth/login`
    Login,
    /// `POST /auth/login/<provider>`
    LoginWith(String),
    /// `GET /auth/login/<provider>`
    BeginWith(String),
    /// `POST /auth/refresh`
    Refresh,
    /// `POST /auth/logout`
    Logout,
    /// `GET /users/me`
    Me,
    /// `OPTIONS` of a path above. Where the path names a provider, it exists only if the provider does.
    Options {
        /// The methods of the path, as `Allow` lists them.
        allow: &'static str,
        /// The provider that the path names.
        provider: Option<String>,
    },
    /// Nothing is here.
    Unknown,
}

impl Route {
    /// Whether the request is served without looking at its token.
    pub(crate) fn skips_authentication(&self) -> bool {
        matches!(self, Self::Ping | Self::Root | Self::Robots | Self::Admin(_))
    }
}

/// A path of the table, before the method is looked at.
enum Place {
    Ping,
    Info,
    Health,
    Root,
    Robots,
    Admin(String),
    Auth,
    Login,
    Provider(String),
    Refresh,
    Logout,
    Me,
}

/// The route of a request. `path` is the path of its target, without query and not decoded.
pub(crate) fn find(method: &Method, path: &str) -> Route {
    let Some(place) = place(path) else {
        return Route::Unknown;
    };
    match *method {
        Method::GET | Method::HEAD => get(place),
        Method::POST => post(place),
        Method::OPTIONS => options(place),
        _ => Route::Unknown,
    }
}

fn place(path: &str) -> Option<Place> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let mut segments = trimmed.split('/');
    // The empty piece before the leading slash.
    segments.next().filter(|before| before.is_empty())?;
    let names: Vec<_> = segments.map(str::to_ascii_lowercase).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    Some(match names.as_slice() {
        [] => Place::Root,
        ["robots.txt"] => Place::Robots,
        ["admin", ..] => Place::Admin(path.get("/admin".len()..).unwrap_or_default().to_owned()),
        ["server", "ping"] => Place::Ping,
        ["server", "info"] => Place::Info,
        ["server", "health"] => Place::Health,
        ["auth"] => Place::Auth,
        ["auth", "login"] => Place::Login,
        ["auth", "login", provider] if !provider.is_empty() => {
            Place::Provider(percent::decode(trimmed.rsplit('/').next()?)?)
        }
        ["auth", "refresh"] => Place::Refresh,
        ["auth", "logout"] => Place::Logout,
        ["users", "me"] => Place::Me,
        _ => return None,
    })
}

fn get(place: Place) -> Route {
    match place {
        Place::Ping => Route::Ping,
        Place::Info => Route::Info,
        Place::Health => Route::Health,
        Place::Root => Route::Root,
        Place::Robots => Route::Robots,
        Place::Admin(rest) => Route::Admin(rest),
        Place::Auth => Route::Providers,
        Place::Provider(name) => Route::BeginWith(name),
        Place::Me => Route::Me,
        Place::Login | Place::Refresh | Place::Logout => Route::Unknown,
    }
}

fn post(place: Place) -> Route {
    match place {
        Place::Login => Route::Login,
        Place::Provider(name) => Route::LoginWith(name),
        Place::Refresh => Route::Refresh,
        Place::Logout => Route::Logout,
        _ => Route::Unknown,
    }
}

fn options(place: Place) -> Route {
    let (allow, provider) = match place {
        Place::Login | Place::Refresh | Place::Logout => ("POST", None),
        Place::Provider(name) => ("GET,HEAD,POST", Some(name)),
        _ => ("GET,HEAD", None),
    };
    Route::Options { allow, provider }
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
        assert_eq!(get("/auth"), Route::Providers);
        assert_eq!(get("/users/me"), Route::Me);
        assert_eq!(post("/auth/login"), Route::Login);
        assert_eq!(post("/auth/refresh"), Route::Refresh);
        assert_eq!(post("/auth/logout"), Route::Logout);
        assert_eq!(post("/auth/login/acme"), Route::LoginWith("acme".to_owned()));
        assert_eq!(get("/auth/login/acme"), Route::BeginWith("acme".to_owned()));
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
        assert_eq!(options("/auth/login"), Route::Options { allow: "POST", provider: None });
        assert_eq!(options("/server/ping"), Route::Options { allow: "GET,HEAD", provider: None });
        let provider = Some("acme".to_owned());
        assert_eq!(options("/auth/login/acme"), Route::Options { allow: "GET,HEAD,POST", provider });
    }

    #[test]
    fn admin_keeps_what_follows() {
        assert_eq!(get("/admin"), Route::Admin(String::new()));
        assert_eq!(get("/Admin/Login/"), Route::Admin("/Login/".to_owned()));
        assert_eq!(get("/administrator"), Route::Unknown);
    }

    #[test]
    fn four_places_are_open_to_any_token() {
        for path in ["/server/ping", "/", "/robots.txt", "/admin/login"] {
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

//! A route as it is told to people and programs: its method and its path with names in place of what varies.
//!
//! The document of `openapi` and the figures of `/metrics` name requests so. Invariant: there are as many of these names as
//! there are routes, whatever clients ask for.

use super::{
    operate::{components::Act, route::Place},
    route::{Factor, Route, Step, Verb},
};
use std::borrow::Cow;

/// The method and the path of a route.
pub(super) fn of(route: &Route) -> (&'static str, Cow<'static, str>) {
    let (method, path) = match route {
        Route::Records(what, collection) => return (verb(*what), format!("/{}", short(collection)).into()),
        Route::Record(what, collection, _) => return (verb(*what), format!("/{}/{{id}}", short(collection)).into()),
        Route::Operate(Verb::Update, place @ Place::Component(_)) => ("PUT", operated(place)),
        Route::Operate(what, place) => (verb(*what), operated(place)),
        Route::SingleSignOn(step, _) => signed_on(*step),
        Route::Factor(what) => ("POST", factor(*what)),
        Route::Rights(form) => ("GET", rights(form)),
        other => fixed(other),
    };
    (method, Cow::Borrowed(path))
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "GET",
        Verb::Search => "SEARCH",
        Verb::Create => "POST",
        Verb::Update => "PATCH",
        Verb::Delete => "DELETE",
    }
}

fn short(collection: &str) -> &str {
    collection.trim_start_matches("directus_")
}

fn operated(place: &Place) -> &'static str {
    match place {
        Place::Live => "/gatewit/live",
        Place::Ready => "/gatewit/ready",
        Place::Status => "/gatewit/status",
        Place::Sessions => "/gatewit/sessions",
        Place::Session(_) => "/gatewit/sessions/{id}",
        Place::Audit => "/gatewit/audit",
        Place::AuditVerdict => "/gatewit/audit/verify",
        Place::Traces => "/gatewit/traces",
        Place::Trace(_) => "/gatewit/traces/{request}",
        Place::Components => "/gatewit/components",
        Place::Component(_) => "/gatewit/components/{name}",
        Place::ComponentAct(_, Act::RollBack) => "/gatewit/components/{name}/rollback",
        Place::ComponentAct(_, Act::Promote) => "/gatewit/components/{name}/promote",
        Place::ComponentAct(_, Act::EndTrial) => "/gatewit/components/{name}/end-trial",
        Place::Drivers => "/gatewit/drivers",
        Place::Providers => "/gatewit/providers",
        Place::Provider(_) => "/gatewit/providers/{name}",
        Place::ProviderTest(_) => "/gatewit/providers/{name}/test",
    }
}

fn signed_on(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Begin => ("GET", "/auth/login/{provider}"),
        Step::Return => ("GET", "/auth/login/{provider}/callback"),
        Step::ReturnByForm => ("POST", "/auth/login/{provider}/callback"),
        Step::ReturnInForm => ("POST", "/auth/login/{provider}/acs"),
        Step::Metadata => ("GET", "/auth/login/{provider}/metadata"),
        Step::Leave => ("POST", "/auth/login/{provider}/logout"),
        Step::Message => ("GET", "/auth/login/{provider}/logout"),
        Step::Notice => ("POST", "/auth/login/{provider}/backchannel-logout"),
    }
}

fn factor(factor: Factor) -> &'static str {
    match factor {
        Factor::Generate => "/users/me/tfa/generate",
        Factor::Picture => "/users/me/tfa/qr-code",
        Factor::Enable => "/users/me/tfa/enable",
        Factor::Disable => "/users/me/tfa/disable",
        Factor::RecoveryCodes => "/users/me/tfa/recovery-codes",
    }
}

fn rights(form: &str) -> &'static str {
    match form {
        "globals" => "/policies/me/globals",
        "roles" => "/roles/me",
        _ => "/permissions/me",
    }
}

/// Routes in which nothing varies but the parts that have names of their own.
fn fixed(route: &Route) -> (&'static str, &'static str) {
    match route {
        Route::Ping => ("GET", "/server/ping"),
        Route::Info => ("GET", "/server/info"),
        Route::Health => ("GET", "/server/health"),
        Route::Root => ("GET", "/"),
        Route::Robots => ("GET", "/robots.txt"),
        Route::Admin(_) => ("GET", "/admin"),
        Route::Metrics => ("GET", "/metrics"),
        Route::ForwardAuth => ("GET", "/gatewit/forward-auth"),
        Route::Return => ("GET", "/gatewit/return"),
        Route::Specification => ("GET", "/server/specs/oas"),
        Route::GraphqlSchema => ("GET", "/server/specs/graphql/system"),
        Route::Graphql => ("POST", "/graphql/system"),
        Route::RandomString => ("GET", "/utils/random/string"),
        Route::Providers => ("GET", "/auth"),
        Route::Login => ("POST", "/auth/login"),
        Route::LoginWith(_) => ("POST", "/auth/login/{provider}"),
        Route::Identities => ("GET", "/users/me/identities"),
        Route::Link(_) => ("POST", "/users/me/identities/{id}"),
        Route::Unlink(_) => ("DELETE", "/users/me/identities/{id}"),
        Route::OwnSessions => ("GET", "/users/me/sessions"),
        Route::EndOtherSessions => ("DELETE", "/users/me/sessions"),
        Route::EndOwnSession(_) => ("DELETE", "/users/me/sessions/{id}"),
        Route::Refresh => ("POST", "/auth/refresh"),
        Route::Logout => ("POST", "/auth/logout"),
        Route::RequestReset => ("POST", "/auth/password/request"),
        Route::Reset => ("POST", "/auth/password/reset"),
        Route::Register => ("POST", "/users/register"),
        Route::VerifyEmail => ("GET", "/users/register/verify-email"),
        Route::Invite => ("POST", "/users/invite"),
        Route::Accept => ("POST", "/users/invite/accept"),
        Route::Me => ("GET", "/users/me"),
        Route::UpdateMe => ("PATCH", "/users/me"),
        Route::TrackPage => ("PATCH", "/users/me/track/page"),
        Route::RemoveFactor(_) => ("POST", "/users/{id}/tfa/disable"),
        Route::ShareLogin => ("POST", "/shares/auth"),
        Route::ShareInfo(_) => ("GET", "/shares/info/{id}"),
        Route::Options { .. } => ("OPTIONS", "*"),
        Route::Unknown
        | Route::Records(..)
        | Route::Record(..)
        | Route::Operate(..)
        | Route::SingleSignOn(..)
        | Route::Factor(_)
        | Route::Rights(_) => ("OTHER", "unknown"),
    }
}

//! The table of `/gatewit/…`: what an operator can ask for.
//!
//! Absent: handlers, and who may ask.

use super::{
    super::route::{Offers, Route, Verb},
    components::Act,
};
use crate::registry::COMPONENT_BYTES_MAX;

/// What an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `live`: whether the process answers.
    Live,
    /// `ready`: whether requests should be sent here.
    Ready,
    /// `status`: what the server is and how it does.
    Status,
    /// `sessions`: who is signed in.
    Sessions,
    /// `sessions/<id>`
    Session(String),
    /// `audit`: what operators did.
    Audit,
    /// `audit/verify`: whether that is what was written.
    AuditVerdict,
    /// `traces`: sign-ins that failed.
    Traces,
    /// `traces/<request>`: what happened in one of them.
    Trace(String),
    /// `components`: which generation of each serves.
    Components,
    /// `components/<name>`
    Component(String),
    /// `components/<name>/…`
    ComponentAct(String, Act),
    /// `drivers`: what they say of themselves.
    Drivers,
    /// `providers`
    Providers,
    /// `providers/<name>`
    Provider(String),
    /// `providers/<name>/test`
    ProviderTest(String),
}

impl Place {
    /// Whether anybody may ask. Those who watch the process have no token, and hear no more than a word.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Live | Self::Ready)
    }

    /// How large a file may be, in bytes, that this operation takes; `None` if it takes JSON.
    pub(super) fn takes_file(&self, verb: Verb) -> Option<usize> {
        matches!((verb, self), (Verb::Update, Self::Component(_))).then_some(COMPONENT_BYTES_MAX)
    }

    /// What a change is called on record, and what is changed, where the path says it. `None` for what never changes.
    pub(super) fn on_record(&self, verb: Verb) -> Option<(String, Option<&str>)> {
        let verb = match verb {
            Verb::Read | Verb::Search => return None,
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
        };
        let (noun, verb, object) = match self {
            Self::Sessions => ("sessions", verb, None),
            Self::Session(id) => ("session", verb, Some(id)),
            Self::Component(name) => ("component", verb, Some(name)),
            Self::ComponentAct(name, Act::RollBack) => ("component", "roll-back", Some(name)),
            Self::ComponentAct(name, Act::Promote) => ("component", "promote", Some(name)),
            Self::ComponentAct(name, Act::EndTrial) => ("component", "end-trial", Some(name)),
            Self::Providers => ("provider", verb, None),
            Self::Provider(name) => ("provider", verb, Some(name)),
            Self::ProviderTest(name) => ("provider", "test", Some(name)),
            Self::Live
            | Self::Ready
            | Self::Status
            | Self::Audit
            | Self::AuditVerdict
            | Self::Traces
            | Self::Trace(_)
            | Self::Components
            | Self::Drivers => return None,
        };
        Some((format!("{noun}.{verb}"), object.map(String::as_str)))
    }
}

/// What `/gatewit/<names…>` offers. `sent` gives the part of the path at a place, as it was sent and decoded.
pub(crate) fn offers(names: &[&str], sent: impl Fn(usize) -> Option<String>) -> Option<Offers> {
    let read = |place| vec![("GET", Route::Operate(Verb::Read, place))];
    let create = |place| vec![("POST", Route::Operate(Verb::Create, place))];
    let delete = |place| ("DELETE", Route::Operate(Verb::Delete, place));
    Some(match names {
        ["live"] => read(Place::Live),
        ["ready"] => read(Place::Ready),
        ["status"] => read(Place::Status),
        ["sessions"] => vec![("GET", Route::Operate(Verb::Read, Place::Sessions)), delete(Place::Sessions)],
        ["components"] => read(Place::Components),
        ["components", _] => {
            let place = Place::Component(sent(2)?);
            let put = ("PUT", Route::Operate(Verb::Update, place.clone()));
            vec![("GET", Route::Operate(Verb::Read, place.clone())), put, delete(place)]
        }
        ["components", _, "rollback"] => create(Place::ComponentAct(sent(2)?, Act::RollBack)),
        ["components", _, "promote"] => create(Place::ComponentAct(sent(2)?, Act::Promote)),
        ["components", _, "end-trial"] => create(Place::ComponentAct(sent(2)?, Act::EndTrial)),
        ["drivers"] => read(Place::Drivers),
        ["providers"] => [read(Place::Providers), create(Place::Providers)].concat(),
        ["providers", _] => {
            let place = Place::Provider(sent(2)?);
            let patch = ("PATCH", Route::Operate(Verb::Update, place.clone()));
            vec![("GET", Route::Operate(Verb::Read, place.clone())), patch, delete(place)]
        }
        ["providers", _, "test"] => create(Place::ProviderTest(sent(2)?)),
        ["sessions", _] => vec![delete(Place::Session(sent(2)?))],
        ["audit"] => read(Place::Audit),
        ["audit", "verify"] => read(Place::AuditVerdict),
        ["traces"] => read(Place::Traces),
        ["traces", _] => read(Place::Trace(sent(2)?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::route::find;
    use super::*;
    use hyper::Method;

    #[test]
    fn places_are_found_and_nothing_else_is() {
        let get = |path: &str| find(&Method::GET, path);
        let read = |place| Route::Operate(Verb::Read, place);
        assert_eq!(get("/gatewit/live"), read(Place::Live));
        assert_eq!(get("/Gatewit/READY/"), read(Place::Ready));
        assert_eq!(get("/gatewit/sessions"), read(Place::Sessions));
        assert_eq!(get("/gatewit/audit/verify"), read(Place::AuditVerdict));
        let session = Place::Session("A b".to_owned());
        assert_eq!(find(&Method::DELETE, "/gatewit/sessions/A%20b"), Route::Operate(Verb::Delete, session));
        for path in ["/gatewit", "/gatewit/", "/gatewit/sessions/a", "/gatewit/nothing", "/gatewit/status/x"] {
            assert_eq!(get(path), Route::Unknown, "{path}");
        }
        for method in [Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(find(&method, "/gatewit/audit"), Route::Unknown, "the log is not to be changed");
        }
    }

    #[test]
    fn whatever_can_be_changed_has_a_name_on_record() {
        for path in [
            "sessions",
            "sessions/x",
            "audit",
            "audit/verify",
            "traces",
            "traces/x",
            "status",
            "live",
            "ready",
            "components",
            "components/x",
            "components/x/rollback",
            "components/x/promote",
            "components/x/end-trial",
            "drivers",
            "providers",
            "providers/x",
            "providers/x/test",
        ] {
            let names: Vec<_> = path.split('/').collect();
            for (_, route) in offers(&names, |_| Some("x".to_owned())).unwrap() {
                let Route::Operate(verb, place) = route else { panic!("{path}") };
                assert_eq!(verb != Verb::Read, place.on_record(verb).is_some(), "{path}");
            }
        }
    }
}

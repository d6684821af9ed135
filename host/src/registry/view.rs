//! What is served, as an operator may see it. Secrets are not among it.

use super::{
    CONCEALED, Registry, Slot, State,
    generation::{Generation, LOCAL, Origin},
    grants,
    promotion::Rule,
    slot::{Mode, Trial},
};
use crate::{
    bindings::driver::exports::gatewit::driver::about::{Description, Format, Kind},
    capability::streams::CONNECTIONS_MAX as OUTBOUND_USUAL,
    engine::Budget,
};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

impl Registry {
    /// All components, by name.
    pub(crate) async fn components(&self) -> Vec<Json> {
        let state = self.state.lock().await;
        let mut names: BTreeSet<&str> = self.built_in.names().collect();
        names.extend(state.slots.keys().map(String::as_str));
        names.extend(state.refusals.keys().map(String::as_str));
        let empty = Slot::default();
        let shown = |name: &str| {
            let slot = state.slots.get(name).unwrap_or(&empty);
            component(&state, name, slot, state.refusals.get(name).map(String::as_str))
        };
        names.into_iter().map(shown).collect()
    }

    /// The drivers that there are, with what they say of themselves. Those of the binary that nobody has used yet are loaded for
    /// it: an operator who is about to make a provider chooses among all of them.
    pub(crate) async fn drivers(&self) -> Vec<Json> {
        let mut state = self.state.lock().await;
        for name in self.built_in.names().filter(|name| ![super::AUTH, LOCAL].contains(name)) {
            if let Err(error) = self.driver(&mut state, name).await {
                tracing::error!(driver = name, error = &error as &dyn std::error::Error, "a driver cannot be loaded");
            }
        }
        let current = state.slots.values().filter_map(|slot| slot.current.as_ref());
        current.filter_map(|generation| Some(description(generation.driver()?.1))).collect()
    }

    /// All providers in the order in which people see them, those that are switched off included.
    pub(crate) async fn providers(&self) -> Vec<Json> {
        let state = self.state.lock().await;
        let drivers = self.services().drivers.get();
        let is_served = |name: &str| drivers.find(name).is_some();
        let problems = |name: &str| state.problems.get(name).cloned().unwrap_or_default();
        let configured = state.configured.iter().map(|provider| {
            json!({
                "name": provider.name,
                "driver": provider.driver,
                "source": "configuration",
                "read_only": true,
                "enabled": true,
                "served": is_served(&provider.name),
                "label": provider.label,
                "icon": provider.icon,
                // The values stay where they are: what is secret among them only the driver knows.
                "settings": provider.settings.iter().map(|setting| (setting.name.clone(), Json::from(CONCEALED))).collect::<Map<_, _>>(),
                "problems": problems(&provider.name),
            })
        });
        let live = state.live.iter().map(|live| {
            let hidden = state.configured.iter().any(|provider| provider.name == live.name());
            json!({
                "name": live.name(),
                "driver": live.stored.driver,
                "source": "database",
                "read_only": false,
                "enabled": live.stored.enabled,
                "served": !hidden && live.stored.enabled && is_served(live.name()),
                "settings": live.shown(),
                "problems": if hidden { vec!["the configuration has a provider of this name".to_owned()] } else { problems(live.name()) },
            })
        });
        configured.chain(live).collect()
    }
}

fn component(state: &State, name: &str, slot: &Slot, refusal: Option<&str>) -> Json {
    let reaching = |mut shown: Json, generation: &Generation| {
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("reaches".to_owned(), json!(state.manifest(generation).places));
        }
        shown
    };
    json!({
        "name": name,
        "kind": if name == super::AUTH { "rules" } else { "driver" },
        "current": slot.current.as_ref().map(|current| reaching(generation(current), current)),
        "previous": slot.previous.as_ref().map(generation),
        "trial": slot.trial.as_ref().map(|tried| reaching(trial(tried), &tried.generation)),
        "refused": refusal,
    })
}

pub(crate) fn generation(generation: &Arc<Generation>) -> Json {
    let (calls, crashes) = generation.health().counts();
    json!({
        "generation": generation.number,
        "digest": generation.digest.to_string(),
        "source": generation.origin.name(),
        "file": match &generation.origin {
            Origin::File(path) => Some(path.display().to_string()),
            _ => None,
        },
        "reference": generation.reference,
        "signed_by": generation.signed_by,
        "loaded_at_ms": generation.loaded_ms,
        "capabilities": grants::capabilities(&generation.imports()),
        "budget": budget(generation.budget()),
        "calls": calls,
        "crashes": crashes,
    })
}

/// What one call may use.
fn budget(budget: Budget) -> Json {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    json!({
        "memory_bytes": budget.memory_bytes,
        "time_ms": milliseconds(budget.time),
        "wait_ms": milliseconds(budget.wait),
        "outbound": budget.outbound.unwrap_or(OUTBOUND_USUAL),
    })
}

fn trial(trial: &Trial) -> Json {
    let mut shown = generation(&trial.generation);
    let (mode, share) = match trial.mode {
        Mode::Canary(share) => ("canary", Some(share)),
        Mode::Shadow => ("shadow", None),
    };
    let (same, different) = trial.comparison.shown();
    let figures = json!({
        "mode": mode,
        "share": share,
        "same": same,
        "different": different,
        "failed": trial.figures().failures,
        "rule": trial.rule.map(Rule::shown),
    });
    if let (Some(shown), Json::Object(figures)) = (shown.as_object_mut(), figures) {
        shown.extend(figures);
    }
    shown
}

fn description(description: &Description) -> Json {
    let fields = description.fields.iter().map(|field| {
        let format = match field.format {
            Format::Text => "text",
            Format::Email => "email",
            Format::Password => "password",
        };
        json!({ "name": field.name, "format": format, "identifies": field.identifies })
    });
    let settings = description.settings.iter().map(|setting| {
        json!({
            "name": setting.name,
            "kind": kind(setting.kind),
            "default": setting.default,
            "required": setting.required,
            "secret": setting.secret || setting.kind == Kind::Keys,
            "help": setting.help,
        })
    });
    json!({
        "name": description.name,
        "fields": fields.collect::<Vec<_>>(),
        "settings": settings.collect::<Vec<_>>(),
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::Text => "text",
        Kind::List => "list",
        Kind::Json => "json",
        Kind::Url => "url",
        Kind::Document => "document",
        Kind::Urls => "urls",
        Kind::Socket => "socket",
        Kind::Keys => "keys",
    }
}

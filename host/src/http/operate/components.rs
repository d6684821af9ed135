//! `/gatewit/components`: which generation of each component serves, and changing that while requests are in flight.

use super::{
    super::{query::Given, refusal::Refusal, respond::Reply, service::Exchange},
    Sent,
};
use crate::{
    distribution::Pulled,
    registry::{Difference, Generation, Mode, Refused, Rule, Taken, Upload, shown},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::header::HeaderName;
use serde_json::json;
use std::{str::FromStr, sync::Arc};

/// The header of a component's signature: the text of minisign's file, in base64.
const SIGNATURE: HeaderName = HeaderName::from_static("gatewit-signature");

/// What is done with a component that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// `rollback`
    RollBack,
    /// `promote`
    Promote,
    /// `end-trial`
    EndTrial,
}

/// `GET /gatewit/components`.
pub(super) async fn list(exchange: &Exchange<'_>) -> Reply {
    Reply::json(&json!({ "data": exchange.server.registry.components().await }))
}

/// `GET /gatewit/components/<name>`.
pub(super) async fn read(exchange: &Exchange<'_>, name: &str) -> Reply {
    match exchange.server.registry.components().await.into_iter().find(|component| component["name"] == *name) {
        Some(component) => Reply::json(&json!({ "data": component })),
        None => refused(&Refused::NotThere(name.to_owned())),
    }
}

/// `PUT /gatewit/components/<name>`: the component is the body.
pub(super) async fn put(exchange: &Exchange<'_>, name: &str, sent: &Sent) -> Reply {
    let mut upload = match upload(exchange, name, sent) {
        Ok(upload) => upload,
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    if let Some(source) = sent.json.get("source") {
        let Some(source) = source.as_str() else {
            return Reply::refused(&[Refusal::payload("\"source\" must be a string")]);
        };
        // In boxes: what fetches and what loads is large, and no other request carries it along.
        match Box::pin(exchange.server.registry.pull(source)).await {
            Ok(Pulled { name, wasm, signature }) => {
                upload = Upload { wasm, signature, reference: Some(name.to_string()), ..upload };
            }
            Err(reason) => return refused(&reason),
        }
    }
    match Box::pin(exchange.server.registry.upload(upload)).await {
        Ok(Taken { generation, difference }) => {
            let Difference { added, removed } = difference;
            let mut data = shown(&generation);
            if let Some(data) = data.as_object_mut() {
                data.insert("grants".to_owned(), json!({ "added": added, "removed": removed }));
            }
            Reply::json(&json!({ "data": data }))
        }
        Err(reason) => refused(&reason),
    }
}

fn upload(exchange: &Exchange<'_>, name: &str, sent: &Sent) -> Result<Upload, Refusal> {
    let word = |name: &str| match exchange.query.text(name) {
        Given::Text(text) => Some(text),
        _ => None,
    };
    let flag = |name: &str| word(name).is_some_and(|text| text.is_empty() || text == "true" || text == "1");
    let share = || {
        let share = word("share").unwrap_or_else(|| "0.05".to_owned());
        share
            .parse()
            .map_err(|_| Refusal::payload(format!("\"share\" must be a number above 0 and up to 1, not {share:?}")))
    };
    let trial = match word("mode").as_deref() {
        None | Some("swap") => None,
        Some("canary") => Some(Mode::Canary(share()?)),
        Some("shadow") => Some(Mode::Shadow),
        Some(_) => return Err(Refusal::payload("\"mode\" must be one of [swap, canary, shadow]")),
    };
    let rule = rule(&word)?;
    if trial.is_none() && rule.is_some() {
        return Err(Refusal::payload(
            "\"promote_after\" is for what is tried out: \"mode\" must be one of [canary, shadow]",
        ));
    }
    let signature = exchange.parts.headers.get(SIGNATURE).map(|value| {
        let text = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| Refusal::payload("\"Gatewit-Signature\" must be the signature file in base64"))
    });
    Ok(Upload {
        name: name.to_owned(),
        wasm: sent.file.to_vec(),
        signature: signature.transpose()?,
        reference: None,
        trial,
        rule,
        accepts_more: flag("accept_grants"),
        only_checks: flag("dry_run"),
    })
}

/// When a component that is tried out is to serve everybody; strict, where not all of it is said.
fn rule(word: &impl Fn(&str) -> Option<String>) -> Result<Option<Rule>, Refusal> {
    fn number<T: FromStr>(name: &str, text: Option<String>, otherwise: T) -> Result<T, Refusal> {
        let wrong = |text: String| Refusal::payload(format!("\"{name}\" must be a number, not {text:?}"));
        text.map_or(Ok(otherwise), |text| text.parse().map_err(|_| wrong(text)))
    }
    let Some(after) = word("promote_after") else {
        let lonely = ["max_differences", "max_failures"].into_iter().find(|name| word(name).is_some());
        let told = |name| Refusal::payload(format!("\"{name}\" is a part of a rule: say \"promote_after\", too"));
        return lonely.map_or(Ok(None), |name| Err(told(name)));
    };
    Ok(Some(Rule {
        after: number("promote_after", Some(after), 0)?,
        max_differences: number("max_differences", word("max_differences"), 0)?,
        max_failures: number("max_failures", word("max_failures"), 0.0)?,
    }))
}

/// `DELETE /gatewit/components/<name>`: what is in the binary serves again.
pub(super) async fn withdraw(exchange: &Exchange<'_>, name: &str) -> Reply {
    match exchange.server.registry.withdraw(name).await {
        Ok(()) => Reply::no_content(),
        Err(reason) => refused(&reason),
    }
}

/// `POST /gatewit/components/<name>/…`.
pub(super) async fn act(exchange: &Exchange<'_>, name: &str, act: Act) -> Reply {
    let registry = &exchange.server.registry;
    let served = |generation: Arc<Generation>| Reply::json(&json!({ "data": shown(&generation) }));
    let done = match act {
        Act::RollBack => registry.roll_back(name).await.map(served),
        Act::Promote => registry.promote(name).await.map(served),
        Act::EndTrial => registry.end_trial(name).await.map(|()| Reply::no_content()),
    };
    done.unwrap_or_else(|reason| refused(&reason))
}

/// Why a change was not made, with its causes.
pub(super) fn refused(reason: &Refused) -> Reply {
    let refusal = match reason {
        Refused::Storage(_) | Refused::Seal(_) => {
            tracing::error!(error = reason as &dyn std::error::Error, "a change of an operator cannot be stored");
            Refusal::ServiceUnavailable {
                service: "database".to_owned(),
                reason: "The change cannot be stored".to_owned(),
                retry_after_seconds: None,
            }
        }
        Refused::NotThere(_) | Refused::NoProvider(_) => Refusal::Forbidden { reason: Some(sentence(reason)) },
        Refused::Settings(problems) => Refusal::payload(problems.join("; ").trim_end_matches('.')),
        reason => Refusal::payload(sentence(reason).trim_end_matches('.')),
    };
    Reply::refused(&[refusal])
}

/// An error with its causes, with a capital letter and a full stop.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

//! Judges what a driver answers. Pure.

use super::sample::{CALLBACK, STATE};
use crate::{
    bindings::auth::gatewit::driver::types::{Claim, Departure, Refusal},
    engine::CallError,
};
use std::{fmt::Debug, mem::discriminant};
use url::Url;

/// Letters of an input that are shown.
const SHOWN: usize = 40;

/// Letters from which on a value is taken for an encoded message in which something may lie that cannot be seen.
const MESSAGE: usize = 100;

/// What a driver said, or why it did not.
pub(super) type Answer<T> = Result<Result<T, Refusal>, CallError>;

/// The text of a refusal.
pub(super) fn text(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::Refused(text)
        | Refusal::Expired(text)
        | Refusal::Unavailable(text)
        | Refusal::Misconfigured(text)
        | Refusal::Other(text) => text,
        Refusal::InvalidCredentials | Refusal::Overloaded(_) => "",
    }
}

/// What is wrong with not refusing this input.
pub(super) fn refuses<T>(answer: &Answer<T>, input: &impl Debug) -> Option<String> {
    match answer {
        Ok(Err(_)) => None,
        Ok(Ok(_)) => Some(format!("{} signs in", shown(input))),
        Err(error) => Some(format!("at {}, {error}", shown(input))),
    }
}

/// What is wrong with an answer of which only that it is one counts.
pub(super) fn survives<T>(answer: &Answer<T>, what: &str) -> Option<String> {
    answer.as_ref().err().map(|error| format!("at {what}, {error}"))
}

/// Whether two refusals of the same input are of the same kind.
pub(super) fn agree<T>(first: &Answer<T>, second: &Answer<T>) -> Option<String> {
    let (Ok(first), Ok(second)) = (first, second) else { return None };
    let same = match (first, second) {
        (Err(first), Err(second)) => discriminant(first) == discriminant(second),
        (first, second) => first.is_ok() == second.is_ok(),
    };
    (!same).then(|| "the same input has two different answers".to_owned())
}

/// What is wrong with the answer where this setting is missing.
pub(super) fn misconfigured<T>(answer: &Answer<T>, setting: &str) -> Option<String> {
    match answer {
        Ok(Err(Refusal::Misconfigured(_))) => None,
        Ok(Err(other)) => Some(format!("without `{setting}` it answers {}", kind(other))),
        Ok(Ok(_)) => Some(format!("without `{setting}` it goes on as if nothing were missing")),
        Err(error) => Some(format!("without `{setting}`, {error}")),
    }
}

/// A refusal without its text, which may name what is not to be shown.
pub(super) fn kind(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::InvalidCredentials => "`invalid-credentials`",
        Refusal::Refused(_) => "`refused`",
        Refusal::Expired(_) => "`expired`",
        Refusal::Unavailable(_) => "`unavailable`",
        Refusal::Overloaded(_) => "`overloaded`",
        Refusal::Misconfigured(_) => "`misconfigured`",
        Refusal::Other(_) => "`other`",
    }
}

/// An input, cut, with nothing in it that a terminal would act on.
fn shown(input: &impl Debug) -> String {
    let text = format!("{input:?}");
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).chain("…".chars()).collect() }
}

/// Where a browser is sent, taken apart.
pub(super) struct Journey {
    url: Option<Url>,
    /// Of the query and of the form.
    parameters: Vec<(String, String)>,
}

impl Journey {
    pub(super) fn of(departure: &Departure) -> Self {
        let url = Url::parse(&departure.to.url).ok();
        let query = url.iter().flat_map(Url::query_pairs).map(|(name, value)| (name.into_owned(), value.into_owned()));
        let form = departure.to.form.iter().map(|field| (field.name.clone(), field.value.clone()));
        let parameters = query.chain(form).collect();
        Self { url, parameters }
    }

    pub(super) fn is_to_the_web(&self) -> Option<String> {
        let Some(url) = &self.url else { return Some("the address cannot be read".to_owned()) };
        if !matches!(url.scheme(), "http" | "https") {
            return Some(format!("the address begins with {}:", url.scheme()));
        }
        let is_named = !url.username().is_empty() || url.password().is_some();
        is_named.then(|| "the address has a user in it".to_owned())
    }

    /// The parameter that carries the state.
    pub(super) fn state(&self) -> Found<'_> {
        self.find(STATE)
    }

    pub(super) fn callback(&self) -> Found<'_> {
        self.find(CALLBACK)
    }

    fn find(&self, text: &str) -> Found<'_> {
        if let Some((name, _)) = self.parameters.iter().find(|(_, value)| value.contains(text)) {
            Found::In(name)
        } else if self.parameters.iter().any(|(_, value)| value.len() >= MESSAGE) {
            Found::Unseen
        } else {
            Found::Nowhere
        }
    }

    /// Whether anything of what is to be remembered goes along.
    pub(super) fn tells(&self, memory: &str) -> bool {
        memory.len() >= 8 && self.parameters.iter().any(|(_, value)| value.contains(memory))
    }
}

/// Where something is that goes along.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// In this parameter.
    In(&'a str),
    /// In an encoded message, perhaps.
    Unseen,
    Nowhere,
}

/// What is wrong with a claim about parameters that hold no state.
pub(super) fn claims_nothing(claim: &Answer<Claim>, input: &impl Debug) -> Option<String> {
    match claim {
        Ok(Ok(Claim { state: None, .. }) | Err(_)) => None,
        Ok(Ok(_)) => Some(format!("{} has a state", shown(input))),
        Err(error) => Some(format!("at {}, {error}", shown(input))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::auth::gatewit::driver::types::{Destination, Parameter};
    use std::time::Duration;

    fn crash<T>() -> Answer<T> {
        Err(CallError::TimedOut { component: "acme".into(), budget: Duration::from_secs(1) })
    }

    fn departure(url: &str, form: &[(&str, &str)]) -> Departure {
        let parameter = |(name, value): &(&str, &str)| Parameter { name: (*name).into(), value: (*value).into() };
        let to = Destination { url: url.into(), form: form.iter().map(parameter).collect() };
        Departure { to, memory: "a verifier".into() }
    }

    #[test]
    fn only_a_refusal_is_a_refusal() {
        assert_eq!(refuses::<()>(&Ok(Err(Refusal::InvalidCredentials)), &"x"), None);
        assert_eq!(refuses(&Ok(Ok(())), &"x").as_deref(), Some("\"x\" signs in"));
        assert!(refuses::<()>(&crash(), &"x").is_some_and(|told| told.contains("used up its time of 1000 ms")));
        assert!(refuses(&Ok(Ok(())), &"\u{1b}".repeat(100)).is_some_and(|told| !told.contains('\u{1b}')));
    }

    #[test]
    fn missing_settings_are_one_kind_of_refusal() {
        assert_eq!(misconfigured::<()>(&Ok(Err(Refusal::Misconfigured(String::new()))), "url"), None);
        assert!(misconfigured::<()>(&Ok(Err(Refusal::InvalidCredentials)), "url").is_some());
        assert!(misconfigured(&Ok(Ok(())), "url").is_some());
    }

    #[test]
    fn the_same_input_has_the_same_answer() {
        let refused = |text: &str| -> Answer<()> { Ok(Err(Refusal::Unavailable(text.into()))) };
        assert_eq!(agree(&refused("a"), &refused("b")), None);
        assert!(agree(&refused("a"), &Ok(Err(Refusal::InvalidCredentials))).is_some());
        assert!(agree(&refused("a"), &Ok(Ok(()))).is_some());
    }

    #[test]
    fn what_goes_along_is_found_in_query_and_form() {
        let encoded = format!("https://op.example.com/?s={STATE}&r={}", CALLBACK.replace('/', "%2F"));
        let journey = Journey::of(&departure(&encoded, &[]));
        assert_eq!((journey.state(), journey.callback()), (Found::In("s"), Found::In("r")));
        let journey = Journey::of(&departure("https://op.example.com/", &[("RelayState", STATE)]));
        assert_eq!((journey.state(), journey.callback()), (Found::In("RelayState"), Found::Nowhere));
        let journey = Journey::of(&departure("https://op.example.com/", &[("SAMLRequest", &"A".repeat(MESSAGE))]));
        assert_eq!(journey.state(), Found::Unseen);
    }

    #[test]
    fn browsers_go_to_the_web_without_the_memory() {
        let to = |url: &str| Journey::of(&departure(url, &[])).is_to_the_web();
        assert_eq!(to("https://op.example.com/"), None);
        for bad in ["javascript:alert(1)", "/relative", "https://user:pass@op.example.com/"] {
            assert!(to(bad).is_some(), "{bad}");
        }
        assert!(Journey::of(&departure("https://a.example/?v=a+verifier", &[])).tells("a verifier"));
        assert!(!Journey::of(&departure("https://a.example/?v=b", &[])).tells("a verifier"));
    }
}

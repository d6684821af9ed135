//! The rules that a driver has to keep, by name, each with what to do about a breach.

/// One rule of the contract.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// What its author does about a breach.
    pub(super) advice: &'static str,
}

macro_rules! rules {
    ($($constant:ident = $name:literal: $advice:literal;)+) => {
        $(pub(super) const $constant: Rule = Rule { name: $name, advice: $advice };)+
        /// All of them, in the order in which they are told.
        #[cfg(test)]
        pub(super) const ALL: &[Rule] = &[$($constant),+];
    };
}

rules! {
    LOADS = "it-loads":
        "give a component, not a core module: build it for wasm32-wasip2, or with a tool that makes components";
    IMPORTS = "its-imports-are-granted":
        "import what the worlds `credentials-driver` and `redirect-driver` of wit/worlds.wit name, and nothing else";
    EXPORTS = "its-exports-are-the-contract":
        "export `about` and `credentials` or `redirect` of gatewit:driver@0.1.0, with the types of wit/deps/driver@0.1";
    STARTS = "it-fits-its-budget-at-the-start":
        "raise GATEWIT_CALL_MEMORY for interpreters (docs/writing-a-driver.md), and do no work before the first call";
    DESCRIBES = "it-describes-itself":
        "`describe` must neither trap nor ask anybody: it is called once when the component is loaded";
    CONSTANT = "its-description-is-constant":
        "answer `describe` with the same value each time: no clock, no randomness, no settings";
    NAME = "its-name-is-plain":
        "name the driver in lower-case letters, digits, - and _, and its file <name>.wasm";
    FIELDS = "its-fields-make-a-form":
        "name each field once, in lower case; let exactly one name the account, and no password; a driver that only redirects has none";
    SETTINGS = "its-settings-are-sensible":
        "name each setting once, in kebab-case and not like one of the server's, with a sentence of help; what is required has no default";
    SECRETS = "its-secrets-are-marked":
        "set `secret` for passwords, keys and tokens, and give them no default: forms hide them and nobody reads them back";
    DEFAULTS = "its-defaults-can-be-read":
        "write defaults as an operator would: `true`, `10`, `a,b`, JSON, or a whole address";
    GIVEN = "its-settings-can-be-read":
        "give each setting as its kind asks for; see `describe`";
    WRONG = "wrong-credentials-are-refused":
        "answer `invalid-credentials`, and the same for people who do not exist";
    EMPTY = "empty-values-are-refused":
        "refuse empty values before asking anybody: some directories take an empty password for a guest";
    ODD = "odd-characters-are-refused":
        "expect any text: control characters, quotes, right-to-left marks; escape what goes on to somebody else";
    HUGE = "huge-values-are-refused":
        "limit what you work on; a text may be as large as a request's body";
    COUNT = "a-wrong-number-of-values-is-refused":
        "look at the length of the list before taking it apart";
    BEGINS = "a-sign-in-begins":
        "answer `begin` with an address; what keeps you from it is a refusal";
    WEB = "it-sends-browsers-to-the-web":
        "send the browser to an http or https address without a user in it, with all parameters encoded";
    STATE = "the-state-goes-along":
        "hand `state` to the provider so that it comes back: without it no answer belongs to anybody";
    CALLBACK = "the-callback-goes-along":
        "tell the provider `callback`, where it sends the browser back to";
    MEMORY = "the-memory-stays-here":
        "put nothing of `memory` into the address: it is what the provider must not see";
    RECALLS = "the-state-is-found-again":
        "`recall` reads the state from the parameter in which the provider hands it back";
    CLAIMS = "no-state-is-made-up":
        "`recall` answers `none` where there is no state, or more than one";
    NOTHING = "an-empty-answer-is-refused":
        "refuse an answer without what proves who came";
    DENIED = "the-providers-no-is-heard":
        "an answer with `error` is a refusal, whatever else is in it";
    GARBAGE = "odd-answers-are-refused":
        "expect any parameters, in any number: refuse what is there twice and what does not verify";
    FOREIGN = "foreign-memory-is-refused":
        "expect any `memory`, and none: refuse what is not yours";
    REPLAYED = "a-replayed-answer-is-refused":
        "ask the provider each time, and name messages that could be sent again in `receipt`";
    EXTRAS = "further-powers-survive-nonsense":
        "`refresh`, `logout` and `metadata` get what anybody may send: refuse, do not trap";
    MISSING = "missing-settings-are-misconfigured":
        "answer `misconfigured` and name the setting; it may be taken away while you run";
    CHECKS = "its-check-tells-what-is-wrong":
        "answer `check` with what was tried, a line each, and with a refusal where that does not work or a setting is missing";
    LEAKS = "secrets-stay-inside":
        "leave passwords, codes, tokens and secret settings out of refusals and of the log";
    STATELESS = "nothing-is-kept-between-calls":
        "the same input gets the same answer; what can be had again goes into gatewit:cache";
    BUDGET = "it-keeps-to-its-budget":
        "work less, or raise GATEWIT_CALL_MEMORY, GATEWIT_CALL_TIME or GATEWIT_OUTBOUND_CALL_TIMEOUT for it";
    STEADY = "it-never-traps":
        "catch what the language throws: a trap is reported as a broken driver, not as a refusal";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_once_and_read_like_sentences() {
        for (place, rule) in ALL.iter().enumerate() {
            assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.name);
            assert!(ALL[..place].iter().all(|other| other.name != rule.name), "{} is there twice", rule.name);
            assert!(rule.advice.len() > 20 && !rule.advice.ends_with('.'), "{}", rule.advice);
        }
    }
}

//! A generation of the rules that watches: it is shown what another one was asked, when that is over and everybody has their answer.
//!
//! It is told what the other one was told ([`Script`]), time and chance included, so that equal rules give equal answers, to the last
//! letter of a token, and have the same effects; what it says goes to nobody, and it has none. Shown are calls that ended well or with
//! a refusal, and not those that the host or the store broke off. Absent: who watches whom (`registry`).

use super::{CallError, Conversation, Outcome, Rules, Services};
use crate::{
    bindings::auth::exports::gatewit::auth::sessions::Form,
    capability::{
        comparison::Comparison,
        script::{Deviation, Script},
    },
};
use std::{fmt::Debug, mem, pin::Pin, sync::Arc};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

/// An operation that is to be called again, with what it was called with.
pub(super) type Again =
    Box<dyn for<'a> FnOnce(&'a mut Conversation) -> Pin<Box<dyn Future<Output = Shown> + Send + 'a>> + Send>;

/// A conversation as somebody sees it who watches.
pub(crate) struct Watched {
    /// Who watches.
    rules: Arc<Rules>,
    comparison: Arc<Comparison>,
    services: Arc<Services>,
    script: Script,
    scenes: Vec<(Shown, Again)>,
    /// An operation is under way. If it never ends, because its client has gone away, it cannot be shown.
    is_amid: bool,
    room: Option<OwnedSemaphorePermit>,
}

/// What can be seen of an operation.
#[derive(PartialEq, Eq)]
pub(super) struct Shown {
    operation: &'static str,
    /// `ok`, or the name of the refusal; `None` without an answer.
    kind: Option<String>,
    /// A digest of the answer: tokens and secrets are in it.
    answer: blake3::Hash,
}

impl Shown {
    pub(super) fn of<T: Debug, F: Debug>(operation: &'static str, outcome: &Outcome<T, F>) -> Self {
        let (kind, text) = match outcome {
            Ok(Ok(answer)) => (Some("ok".to_owned()), format!("{answer:?}")),
            Ok(Err(refusal)) => {
                let text = format!("{refusal:?}");
                (Some(name(&text).to_owned()), text)
            }
            Err(_) => (None, String::new()),
        };
        Self { operation, kind, answer: blake3::hash(text.as_bytes()) }
    }
}

/// The name of a variant in the text of a value: what is in it may be about a person.
fn name(text: &str) -> &str {
    let path = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').next().unwrap_or_default();
    path.rsplit(':').next().unwrap_or_default()
}

impl Watched {
    /// Begins to watch, if there is room for one more.
    pub(crate) fn begin(rules: &Arc<Rules>, comparison: &Arc<Comparison>, services: &Arc<Services>) -> Option<Self> {
        let room = Some(comparison.room()?);
        let (rules, comparison, services) = (rules.clone(), comparison.clone(), services.clone());
        Some(Self { rules, comparison, services, script: Script::blank(), scenes: Vec::new(), is_amid: false, room })
    }

    /// What the one that serves is told is written here.
    pub(super) fn script(&self) -> Script {
        self.script.clone()
    }

    /// The one that serves is asked something.
    pub(super) fn look(&mut self) {
        self.is_amid = true;
    }

    /// The one that serves was asked this, and answered.
    pub(super) fn saw(&mut self, shown: Shown, again: Again) {
        self.is_amid = false;
        if shown.kind.is_none() {
            self.script.tear();
        }
        self.scenes.push((shown, again));
    }
}

/// When the one that serves is done, it is shown to the one that watches.
impl Drop for Watched {
    fn drop(&mut self) {
        let (scenes, script) = (mem::take(&mut self.scenes), mem::take(&mut self.script));
        let (Some(script), Ok(runtime)) = (script.rewound(), Handle::try_current()) else { return };
        if scenes.is_empty() || self.is_amid {
            return;
        }
        let (rules, comparison, services) = (self.rules.clone(), self.comparison.clone(), self.services.clone());
        let room = self.room.take();
        runtime.spawn(async move {
            let seen = watch(&rules, &services, script, scenes).await;
            drop(room);
            match seen {
                Ok(()) => comparison.compared(true),
                Err(Difference::NotSeen) => {}
                Err(difference) => {
                    comparison.compared(false);
                    difference.log();
                }
            }
        });
    }
}

/// How the one that watches differs.
enum Difference {
    Answer {
        operation: &'static str,
        serving: Option<String>,
        watching: Option<String>,
    },
    Effect(Deviation),
    /// There was no room to ask it.
    NotSeen,
}

impl Difference {
    fn log(&self) {
        match self {
            Self::Answer { operation, serving, watching } => {
                let (serving, watching) = (word(serving.as_deref()), word(watching.as_deref()));
                tracing::warn!(operation, serving, watching, "the rules that are tried out answer differently");
            }
            Self::Effect(Deviation::Added(effect)) => {
                tracing::warn!(
                    effect,
                    "the rules that are tried out would do what the others did not, or do it otherwise"
                );
            }
            Self::Effect(Deviation::Missed(effect)) => {
                tracing::warn!(effect, "the rules that are tried out would not do what the others did");
            }
            Self::NotSeen => {}
        }
    }
}

fn word(kind: Option<&str>) -> &str {
    kind.unwrap_or("no answer")
}

async fn watch(
    rules: &Rules,
    services: &Arc<Services>,
    script: Script,
    scenes: Vec<(Shown, Again)>,
) -> Result<(), Difference> {
    let mut conversation = match rules.open_again(services, script.clone()).await {
        Ok(conversation) => conversation,
        Err(CallError::Full { .. }) => return Err(Difference::NotSeen),
        Err(_) => {
            return Err(Difference::Answer { operation: "start", serving: Some("ok".to_owned()), watching: None });
        }
    };
    for (serving, again) in scenes {
        let watching = again(&mut conversation).await;
        // Its answer differs, too, because that was denied.
        if let Some(added) = script.added() {
            return Err(Difference::Effect(added));
        }
        if watching != serving {
            let operation = serving.operation;
            return Err(Difference::Answer { operation, serving: serving.kind, watching: watching.kind });
        }
    }
    script.missed().map_or(Ok(()), |deviation| Err(Difference::Effect(deviation)))
}

/// What operations are called with, as it can be kept.
pub(super) trait Argument {
    type Kept: Send + Sync + 'static;

    fn kept(self) -> Self::Kept;
}

/// What was kept, as operations are called with it.
pub(super) trait Lent<A> {
    fn lent(self) -> A;
}

impl<T: Clone + Send + Sync + 'static> Argument for &T {
    type Kept = T;

    fn kept(self) -> T {
        self.clone()
    }
}

impl<'a, T> Lent<&'a T> for &'a T {
    fn lent(self) -> &'a T {
        self
    }
}

impl Argument for &str {
    type Kept = String;

    fn kept(self) -> String {
        self.to_owned()
    }
}

impl<'a> Lent<&'a str> for &'a String {
    fn lent(self) -> &'a str {
        self
    }
}

impl<T: Clone + Send + Sync + 'static> Argument for &[T] {
    type Kept = Vec<T>;

    fn kept(self) -> Vec<T> {
        self.to_vec()
    }
}

impl<'a, T> Lent<&'a [T]> for &'a Vec<T> {
    fn lent(self) -> &'a [T] {
        self
    }
}

impl<A: Argument> Argument for Option<A> {
    type Kept = Option<A::Kept>;

    fn kept(self) -> Self::Kept {
        self.map(Argument::kept)
    }
}

impl<'a, K, A> Lent<Option<A>> for &'a Option<K>
where
    &'a K: Lent<A>,
{
    fn lent(self) -> Option<A> {
        self.as_ref().map(Lent::lent)
    }
}

impl Argument for bool {
    type Kept = bool;

    fn kept(self) -> bool {
        self
    }
}

impl Lent<bool> for &bool {
    fn lent(self) -> bool {
        *self
    }
}

impl Argument for Form {
    type Kept = Form;

    fn kept(self) -> Form {
        self
    }
}

impl Lent<Form> for &Form {
    fn lent(self) -> Form {
        *self
    }
}

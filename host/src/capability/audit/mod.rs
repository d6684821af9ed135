//! The audit log: what operators did to the server, in a chain that cannot be changed unseen.
//!
//! [`chain`] is what it is made of; the store keeps the entries and appends them one after the other, from however many
//! hosts. There is no way to change or remove one. Absent: what people do with their own accounts, which is Directus's
//! activity.

pub(crate) mod chain;

use super::{
    clock::Clock,
    keys::hmac::Seals,
    storage::{self, Backend},
};
pub(crate) use chain::{Entry, Found, Row};
use std::sync::Arc;

/// Who did what the server does by itself.
pub(crate) const SERVER: &str = "gatewit";

/// Something that was done, before it is an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event<'a> {
    /// The account, or [`SERVER`].
    pub(crate) who: &'a str,
    /// What was done: `component.swap`.
    pub(crate) what: &'a str,
    /// What it was done to.
    pub(crate) object: &'a str,
    /// `begun`, `done`, or why not.
    pub(crate) outcome: &'a str,
    /// The id of the request in the log, if it was one.
    pub(crate) request: Option<String>,
    pub(crate) address: Option<&'a str>,
}

/// What was found in an audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Entries that are as they were written, from the first on.
    pub entries: u64,
    /// The number and hash of the last one as the log remembers it. Kept elsewhere, they tell a log that was replaced.
    pub head: Option<String>,
    /// Why the log is not as it was written, if it is not.
    pub reason: Option<&'static str>,
    /// The first entry that is not as it was written, where that can be told.
    pub broken_at: Option<i64>,
}

impl From<Found> for AuditVerdict {
    fn from(found: Found) -> Self {
        Self {
            entries: found.entries,
            head: found.head.map(|(number, hash)| format!("{number}:{hash}")),
            reason: found.broken.as_ref().map(|broken| broken.reason),
            broken_at: found.broken.and_then(|broken| broken.number),
        }
    }
}

/// The audit log of the process.
#[derive(Clone)]
pub(crate) struct Audit {
    store: Arc<dyn Backend>,
    seals: Arc<Seals>,
    clock: Arc<dyn Clock>,
}

impl Audit {
    pub(crate) fn new(store: Arc<dyn Backend>, seals: Seals, clock: Arc<dyn Clock>) -> Self {
        Self { store, seals: Arc::new(seals), clock }
    }

    /// Puts the log's own beginning on record, and says in the process's log where it stands, so that whoever has those
    /// lines can tell a log that was replaced as a whole.
    pub(crate) async fn begin(&self) -> Result<(), storage::Error> {
        let told = |what| Event { who: SERVER, what, outcome: "done", ..Event::default() };
        match self.store.audit_head().await? {
            Some(head) if head.is_blank() => drop(self.record(told("audit.begin")).await?),
            // Vouched for under the present secret before the earlier one is forgotten.
            Some(head) if head.is_sealed(&self.seals) && !head.is_sealed(&self.seals.present()) => {
                self.record(told("secret.change")).await?;
            }
            _ => {}
        }
        match self.store.audit_head().await? {
            Some(head) if head.is_sealed(&self.seals) => {
                tracing::info!(entries = head.number, head = head.hash, "the audit log goes on");
            }
            _ => tracing::error!(
                "the head of the audit log bears no seal under SECRET or GATEWIT_PREVIOUS_SECRETS; `gatewit audit \
                 verify` tells more"
            ),
        }
        Ok(())
    }

    /// Puts something on record and returns when that is durable. The number of the entry.
    pub(crate) async fn record(&self, event: Event<'_>) -> Result<i64, storage::Error> {
        let entry = Entry {
            at_ms: u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX),
            who: event.who.to_owned(),
            what: event.what.to_owned(),
            object: event.object.to_owned(),
            outcome: event.outcome.to_owned(),
            request: event.request,
            address: event.address.map(ToOwned::to_owned),
        };
        self.store.append_audit(entry.storable(), self.seals.clone()).await
    }

    /// Entries before a number, or the last ones; the newest first.
    pub(crate) async fn list(&self, before: Option<i64>, limit: u32) -> Result<Vec<Row>, storage::Error> {
        self.store.audit_entries(before, limit).await
    }

    /// Looks at every entry.
    pub(crate) async fn verify(&self) -> Result<Found, storage::Error> {
        self.store.verify_audit(&self.seals).await
    }
}

//! What the rules find around them, in maps.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wasmtime::component::{Resource, ResourceTable};

use super::conditions::holds;
use super::providers::Providers;

/// The world of the rules.
#[expect(missing_docs, reason = "generated from `wit/`, which is documented")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "gatewit:worlds/auth",
        additional_derives: [PartialEq],
        imports: { "gatewit:keys": trappable },
        with: { "gatewit:keys/signing.key": super::Key },
    });
}

use bindings::gatewit::auth::pace;
use bindings::gatewit::config::settings;
use bindings::gatewit::driver::types::{Identity, Refusal};
use bindings::gatewit::keys::signing;
use bindings::gatewit::log::log;
use bindings::gatewit::mail::post::{self, Letter};
use bindings::gatewit::passwords::{hashing, types as passwords};
use bindings::gatewit::storage::records::{
    Action, Author, Change, Ending, Expectation, Input, Node, Query, Taken, Written,
};
use bindings::gatewit::storage::types::{Columns, Error, Field, Value};
use bindings::gatewit::storage::users::{Status, User};
use bindings::gatewit::storage::{access, counters, records, sessions, types as stored, users};
use bindings::wasi::clocks::wall_clock;
use bindings::wasi::random::random;

/// Columns of one record.
pub type Record = BTreeMap<String, Value>;

/// Records by collection.
pub(super) type Tables = BTreeMap<String, Vec<Record>>;

/// A key of the rules: its bytes.
pub struct Key(Vec<u8>);

/// Everything around the rules. It stands still: time passes when a test says so.
#[derive(Default)]
pub struct Memory {
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// How many random bytes were handed out; each is the low byte of its place.
    pub drawn: u64,
    /// Settings of the rules.
    pub settings: BTreeMap<String, settings::Value>,
    /// Records by collection.
    pub tables: Tables,
    /// Sessions by token.
    pub sessions: BTreeMap<String, sessions::NewSession>,
    /// What the driver answers next.
    pub identity: Option<Result<Identity, Refusal>>,
    /// The providers, and what surrounds them.
    pub at_providers: Providers,
    /// Letters that were sent.
    pub letters: Vec<Letter>,
    /// Lines that were logged.
    pub lines: Vec<String>,
    /// For how long the answer is held, in milliseconds.
    pub held_ms: u64,
    /// Whether the store answers.
    pub store_is_away: bool,
    counts: BTreeMap<String, counters::Count>,
    hashes: Vec<String>,
    table: ResourceTable,
}

impl Memory {
    /// Whether something is counted under a key that starts so.
    #[must_use]
    pub fn counts(&self, start: &str) -> bool {
        self.counts.keys().any(|key| key.starts_with(start))
    }

    /// An empty world at a moment.
    #[must_use]
    pub fn at(now_ms: u64) -> Self {
        Self { now_ms, ..Self::default() }
    }

    /// Puts a record into a collection.
    pub fn put(&mut self, collection: &str, columns: &[(&str, Value)]) {
        let record = columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.tables.entry(collection.to_owned()).or_default().push(record);
    }

    /// A column of the first record that has this id.
    #[must_use]
    pub fn column(&self, collection: &str, id: &str, column: &str) -> Option<&Value> {
        let id = Value::Text(id.to_owned());
        self.tables.get(collection)?.iter().find(|record| record.get("id") == Some(&id))?.get(column)
    }

    /// The records of a collection.
    #[must_use]
    pub fn tables_of(&self, collection: &str) -> &[Record] {
        self.tables.get(collection).map(Vec::as_slice).unwrap_or_default()
    }

    /// Changes a column of the record that has this id.
    pub fn change(&mut self, collection: &str, id: &str, column: &str, value: &Value) {
        let id = Value::Text(id.to_owned());
        for record in
            self.tables.get_mut(collection).into_iter().flatten().filter(|record| record.get("id") == Some(&id))
        {
            record.insert(column.to_owned(), value.clone());
        }
    }

    pub(super) fn user(&self, matches: impl Fn(&Record) -> bool) -> Result<Option<User>, Error> {
        if self.store_is_away {
            return Err(Error::Unavailable);
        }
        let found = self.tables.get("directus_users").and_then(|users| users.iter().find(|record| matches(record)));
        Ok(found.map(user))
    }
}

pub(super) fn text(record: &Record, column: &str) -> Option<String> {
    match record.get(column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn user(record: &Record) -> User {
    let status = match text(record, "status").as_deref() {
        Some("active") => Status::Active,
        Some("invited") => Status::Invited,
        Some("unverified") => Status::Unverified,
        Some("suspended") => Status::Suspended,
        _ => Status::Other,
    };
    User {
        id: text(record, "id").unwrap_or_default(),
        status,
        role: text(record, "role"),
        provider: text(record, "provider").unwrap_or_else(|| "default".to_owned()),
        tfa_secret: text(record, "tfa_secret"),
    }
}

impl pace::Host for Memory {
    fn hold(&mut self, at_least_ms: u64) {
        self.held_ms = self.held_ms.max(at_least_ms);
    }
}

impl settings::Host for Memory {
    fn get(&mut self, name: String) -> Option<settings::Value> {
        self.settings.get(&name).cloned()
    }
}

impl signing::Host for Memory {
    fn import(&mut self, _: String, _: String) -> wasmtime::Result<Result<Resource<Key>, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }

    fn open(&mut self, purpose: String) -> wasmtime::Result<Result<Resource<Key>, signing::Error>> {
        Ok(Ok(self.table.push(Key(purpose.into_bytes()))?))
    }
}

impl signing::HostKey for Memory {
    fn algorithm(&mut self, _: Resource<Key>) -> wasmtime::Result<String> {
        Ok("HS256".to_owned())
    }

    fn id(&mut self, _: Resource<Key>) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn sign(&mut self, key: Resource<Key>, message: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, signing::Error>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.table.get(&key)?.0).map_err(wasmtime::Error::new)?;
        Ok(Ok(mac.chain_update(message).finalize().into_bytes().to_vec()))
    }

    fn verify(
        &mut self,
        key: Resource<Key>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, signing::Error>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.table.get(&key)?.0).map_err(wasmtime::Error::new)?;
        Ok(Ok(mac.chain_update(message).verify_slice(&signature).is_ok()))
    }

    fn drop(&mut self, key: Resource<Key>) -> wasmtime::Result<()> {
        self.table.delete(key)?;
        Ok(())
    }
}

impl log::Host for Memory {
    fn write(&mut self, _: log::Level, message: String, fields: Vec<log::Field>) {
        let fields: Vec<_> = fields.iter().map(|field| format!(" {}={}", field.name, field.value)).collect();
        self.lines.push(format!("{message}{}", fields.concat()));
    }
}

impl post::Host for Memory {
    fn send(&mut self, letter: Letter) -> Result<(), post::Error> {
        self.letters.push(letter);
        Ok(())
    }
}

impl passwords::Host for Memory {}

impl hashing::Host for Memory {
    fn hash(&mut self, password: String) -> Result<u32, passwords::Error> {
        self.hashes.push(format!("hash of {password}"));
        Ok(u32::try_from(self.hashes.len() - 1).unwrap_or(u32::MAX))
    }

    fn mark(&mut self, user: String) -> Result<Option<String>, passwords::Error> {
        Ok(self
            .column("directus_users", &user, "id")
            .is_some()
            .then(|| mark(self.column("directus_users", &user, "password"))))
    }

    fn verify_share(&mut self, _: String, _: String) -> Result<passwords::Verdict, passwords::Error> {
        Ok(passwords::Verdict::Mismatch)
    }
}

fn mark(password: Option<&Value>) -> String {
    format!("mark of {password:?}")
}

impl stored::Host for Memory {}

impl users::Host for Memory {
    fn find_by_email(&mut self, email: String) -> Result<Option<User>, Error> {
        let email = email.to_lowercase();
        self.user(|record| text(record, "email").is_some_and(|known| known.to_lowercase() == email))
    }

    fn find(&mut self, id: String) -> Result<Option<User>, Error> {
        self.user(|record| text(record, "id").as_ref() == Some(&id))
    }

    fn find_by_static_token(&mut self, token: String) -> Result<Option<User>, Error> {
        self.user(|record| text(record, "token").as_ref() == Some(&token))
    }

    fn read(&mut self, id: String, columns: Columns) -> Result<Option<Vec<Field>>, Error> {
        let id = Value::Text(id);
        let users = self.tables.get("directus_users");
        let found = users.and_then(|users| users.iter().find(|record| record.get("id") == Some(&id)));
        let field = |(name, value): (&String, &Value)| Field { name: name.clone(), value: value.clone() };
        Ok(found.map(|record| match &columns {
            Columns::All => record.iter().map(field).collect(),
            Columns::Only(names) => names.iter().filter_map(|name| record.get_key_value(name)).map(field).collect(),
        }))
    }
}

impl access::Host for Memory {
    fn policies(&mut self, _: Option<String>, _: Option<String>) -> Result<Vec<access::Policy>, Error> {
        Ok(Vec::new())
    }

    fn permissions(&mut self, _: Vec<String>, _: String, _: String) -> Result<Vec<access::Permission>, Error> {
        Ok(Vec::new())
    }

    fn read_role(&mut self, _: String, _: Columns) -> Result<Option<Vec<Field>>, Error> {
        Ok(None)
    }
}

impl records::Host for Memory {
    fn find(&mut self, query: Query) -> Result<Vec<Vec<Value>>, Error> {
        if self.store_is_away {
            return Err(Error::Unavailable);
        }
        let records = self.tables.get(&query.collection).map(Vec::as_slice).unwrap_or_default();
        let found = records.iter().filter(|record| holds(&query.condition, record, &self.tables));
        let shown = |record: &Record| {
            let column = |name: &String| record.get(name).cloned().unwrap_or(Value::Null);
            query.columns.iter().map(column).collect()
        };
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(found.skip(query.offset as usize).take(limit).map(shown).collect())
    }

    fn count(&mut self, collection: String, condition: Vec<Node>) -> Result<u64, Error> {
        let records = self.tables.get(&collection).map(Vec::as_slice).unwrap_or_default();
        Ok(records.iter().filter(|record| holds(&condition, record, &self.tables)).count() as u64)
    }

    fn write(&mut self, changes: Vec<Change>, endings: Vec<Ending>, _: Author, _: u64) -> Result<Written, Error> {
        let mut tables = self.tables.clone();
        let mut ids = Vec::new();
        for change in changes {
            let id = change.id.clone().unwrap_or_else(|| format!("made-{}", tables.len() + ids.len()));
            let assigned = change.assignments.iter().map(|each| {
                let value = match &each.input {
                    Input::Plain(value) => value.clone(),
                    Input::PasswordHash(number) => Value::Text(self.hashes[*number as usize].clone()),
                };
                (each.column.clone(), value)
            });
            let assigned: Record = assigned.collect();
            let records = tables.entry(change.collection.clone()).or_default();
            for column in ["email", "external_identifier"] {
                let Some(value) = text(&assigned, column) else { continue };
                let has =
                    |record: &Record| text(record, column).is_some_and(|known| known.eq_ignore_ascii_case(&value));
                if records.iter().any(|record| text(record, "id").as_ref() != Some(&id) && has(record)) {
                    return Ok(Written::Taken(Taken {
                        collection: change.collection,
                        column: column.to_owned(),
                        value,
                    }));
                }
            }
            let place = records.iter().position(|record| text(record, "id").as_ref() == Some(&id));
            match (change.action, place) {
                (Action::Create, _) => {
                    let mut record = assigned;
                    record.insert("id".to_owned(), Value::Text(id.clone()));
                    records.push(record);
                }
                (_, Some(place)) if !change.expectations.iter().all(|each| is_met(each, &records[place])) => {
                    return Ok(Written::Superseded);
                }
                (Action::Update, Some(place)) => records[place].extend(assigned),
                (Action::Delete, Some(place)) => drop(records.remove(place)),
                (_, None) => return Ok(Written::Superseded),
            }
            ids.push(id);
        }
        self.tables = tables;
        for Ending { user, except } in endings {
            let stays = |token: &String| except.as_ref().is_some_and(|except| except == token);
            self.sessions.retain(|token, session| session.user.as_ref() != Some(&user) || stays(token));
        }
        Ok(Written::Done(ids))
    }
}

fn is_met(expectation: &Expectation, record: &Record) -> bool {
    match expectation {
        Expectation::Value((column, value)) => record.get(column).unwrap_or(&Value::Null) == value,
        Expectation::PasswordMark(expected) => mark(record.get("password")) == *expected,
    }
}

impl counters::Host for Memory {
    fn add(&mut self, key: String, amount: u32, expires_at_ms: u64, now_ms: u64) -> Result<counters::Count, Error> {
        let fresh = counters::Count { value: 0, expires_at_ms };
        let count = self.counts.entry(key).or_insert(fresh);
        if count.expires_at_ms <= now_ms {
            *count = fresh;
        }
        count.value += amount;
        Ok(*count)
    }

    fn read(&mut self, key: String, now_ms: u64) -> Result<Option<counters::Count>, Error> {
        Ok(self.counts.get(&key).filter(|count| count.expires_at_ms > now_ms).copied())
    }

    fn clear(&mut self, key: String) -> Result<(), Error> {
        self.counts.remove(&key);
        Ok(())
    }
}

impl wall_clock::Host for Memory {
    fn now(&mut self) -> wall_clock::Datetime {
        let nanoseconds = u32::try_from(self.now_ms % 1000).unwrap_or_default() * 1_000_000;
        wall_clock::Datetime { seconds: self.now_ms / 1000, nanoseconds }
    }

    fn resolution(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 0, nanoseconds: 1_000_000 }
    }
}

impl random::Host for Memory {
    fn get_random_bytes(&mut self, len: u64) -> Vec<u8> {
        let from = self.drawn;
        self.drawn += len;
        (from..self.drawn).map(|place| place.to_le_bytes()[0]).collect()
    }

    fn get_random_u64(&mut self) -> u64 {
        let bytes = self.get_random_bytes(8);
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl bindings::gatewit::auth::types::Host for Memory {}
impl bindings::gatewit::driver::types::Host for Memory {}

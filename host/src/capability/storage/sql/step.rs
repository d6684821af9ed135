//! A whole step of changes, made together or not at all.
//!
//! The step runs between savepoints of a transaction that others may share: one that cannot be made is undone alone.

use super::{
    Cell, Change, Connection, Failure, Statement,
    catalogue::Catalogue,
    plan::{self, Plan, Planned},
    trail,
};
use crate::capability::storage::{Action, Error, Step, Taken, Written, mark, tokens::Form};
use async_trait::async_trait;

/// A step that can be made.
pub(crate) struct Write {
    step: Step,
    planned: Vec<Planned>,
    form: Form,
}

impl Write {
    /// Checks a step; one that is known to fail is answered at once.
    pub(crate) fn new(catalogue: &Catalogue, form: Form, step: Step) -> Result<Result<Self, Written>, Error> {
        Ok(match plan::plan(catalogue, &step)? {
            Plan::Ready(planned) => Ok(Self { step, planned, form }),
            Plan::Dangling(dangling) => Err(Written::Dangling(dangling)),
        })
    }
}

/// Why a step was not made.
enum Stop {
    Answer(Written),
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failure(Failure::Failed(error.into()))
    }
}

#[async_trait]
impl Change for Write {
    type Output = Written;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<Written, Failure> {
        connection.run(&Statement::new("SAVEPOINT step")).await?;
        let answer = match self.make(connection).await {
            Ok(ids) => Written::Done(ids),
            Err(Stop::Answer(answer)) => {
                connection.run(&Statement::new("ROLLBACK TO SAVEPOINT step")).await?;
                answer
            }
            Err(Stop::Failure(failure)) => return Err(failure),
        };
        connection.run(&Statement::new("RELEASE SAVEPOINT step")).await?;
        Ok(answer)
    }
}

impl Write {
    async fn make(&self, connection: &mut dyn Connection) -> Result<Vec<String>, Stop> {
        let mut ids = Vec::with_capacity(self.planned.len());
        for planned in &self.planned {
            ids.push(self.change(connection, planned).await?);
        }
        for ending in &self.step.endings {
            let bytewise = connection.dialect().bytewise();
            let statement = plan::ending(self.form, bytewise, &ending.user, ending.except.as_deref());
            connection.run(&statement).await?;
        }
        Ok(ids)
    }

    async fn change(&self, connection: &mut dyn Connection, planned: &Planned) -> Result<String, Stop> {
        for (taken, statement) in planned.rivals() {
            if connection.row(&statement).await?.is_some() {
                return Err(Stop::Answer(Written::Taken(taken)));
            }
        }
        for (dangling, statement) in planned.named() {
            if connection.row(&statement).await?.is_none() {
                return Err(Stop::Answer(Written::Dangling(dangling)));
            }
        }
        if planned.collection.name == "directus_settings" {
            let statement = "INSERT INTO directus_settings (id) VALUES (1) ON CONFLICT DO NOTHING";
            connection.run(&Statement::new(statement)).await?;
        }
        let id = execute(connection, planned).await?;
        let item = plan::text(&id);
        if !matches!(planned.action, Action::Update) || !planned.assignments.is_empty() {
            self.put_on_record(connection, planned, &id, &item).await?;
        }
        Ok(item)
    }

    async fn put_on_record(
        &self,
        connection: &mut dyn Connection,
        planned: &Planned,
        id: &Cell,
        item: &str,
    ) -> Result<(), Failure> {
        let entry = trail::Entry {
            action: trail::name(planned.action),
            user: self.step.author.user.as_deref(),
            client: &self.step.author.client,
            collection: planned.collection.name,
            item,
            now_ms: self.step.now_ms,
        };
        let activity = trail::record(connection, &entry).await?;
        if matches!(planned.action, Action::Delete) {
            return Ok(());
        }
        trail::revise(connection, activity, planned, id, item).await
    }
}

/// Makes one change; the record's identifier.
async fn execute(connection: &mut dyn Connection, planned: &Planned) -> Result<Cell, Stop> {
    let superseded = || Stop::Answer(Written::Superseded);
    let password = match &planned.password_mark {
        None => None,
        Some(expected) => {
            let statement = Statement::new("SELECT password FROM directus_users WHERE id = $1");
            let row = connection.row(&statement.bind(planned.id.clone())).await?;
            let stored = row.ok_or_else(superseded)?.optional_text()?;
            if mark(stored.as_deref()) != *expected {
                return Err(superseded());
            }
            Some(Cell::from(stored))
        }
    };
    let statement = planned.statement(password.as_ref())?;
    let told = |taken: Taken, answer: fn(Taken) -> Written| Stop::Answer(answer(taken));
    let stopped = |failure| match failure {
        Failure::Unique(_) => told(planned.rival(), Written::Taken),
        Failure::Reference(_) => told(planned.missed(), Written::Dangling),
        failure => Stop::Failure(failure),
    };
    if matches!(planned.action, Action::Create) {
        let row = connection.row(&statement).await.map_err(stopped)?;
        return Ok(row.ok_or_else(superseded)?.cell()?);
    }
    match connection.run(&statement).await.map_err(stopped)? {
        0 => Err(superseded()),
        _ => planned.id.clone().ok_or_else(superseded),
    }
}

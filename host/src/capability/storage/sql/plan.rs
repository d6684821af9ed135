//! A step, checked and translated before anything is touched. Pure.

use super::{
    Cell, Draft, Statement,
    catalogue::{Catalogue, Collection, Column, Kind, Reference, Unique, Use},
    condition, nonsense, value,
};
use crate::capability::storage::{
    Action, Assignment, Change, Error, Expectation, Input, Operator, Step, Taken, Value, tokens::Form,
};

/// Changes of one step. A form of the administration changes a record and the ones that hang on it.
const CHANGES_MAX: usize = 1000;

/// Assignments and expectations of one change. The widest table has some sixty columns.
const PARTS_MAX: usize = 200;

/// A change that can be made.
pub(super) struct Planned {
    pub(super) action: Action,
    pub(super) collection: Collection,
    /// The record; of one that is made, the identifier it will have, unless the database numbers them.
    pub(super) id: Option<Cell>,
    pub(super) assignments: Vec<Assigned>,
    pub(super) expectations: Vec<(Column, Value)>,
    pub(super) password_mark: Option<String>,
}

/// A column with what is written into it.
pub(super) struct Assigned {
    pub(super) column: Column,
    pub(super) cell: Cell,
    /// As it was given, for whoever is told that it cannot be.
    pub(super) given: String,
}

/// What becomes of a step before it reaches the database.
pub(super) enum Plan {
    Ready(Vec<Planned>),
    /// A value names what cannot be.
    Dangling(Taken),
}

/// Checks a step.
pub(super) fn plan(catalogue: &Catalogue, step: &Step) -> Result<Plan, Error> {
    if step.changes.len() > CHANGES_MAX || step.endings.len() > CHANGES_MAX {
        return Err(nonsense("a step has too many changes"));
    }
    let mut planned = Vec::with_capacity(step.changes.len());
    for change in &step.changes {
        match planned_change(catalogue, change, &step.hashes)? {
            Ok(change) => planned.push(change),
            Err(dangling) => return Ok(Plan::Dangling(dangling)),
        }
    }
    Ok(Plan::Ready(planned))
}

type Checked = Result<Planned, Taken>;

fn planned_change(catalogue: &Catalogue, change: &Change, hashes: &[String]) -> Result<Checked, Error> {
    let needed = if matches!(change.action, Action::Update) { Use::Update } else { Use::Write };
    let collection = catalogue.collection_for(&change.collection, needed)?.clone();
    if change.assignments.len() + change.expectations.len() > PARTS_MAX {
        return Err(nonsense("a change has too many parts"));
    }
    let id = identifier(&collection, change)?;
    let mut assignments = Vec::with_capacity(change.assignments.len());
    for Assignment { column, input } in &change.assignments {
        let column = collection.column(column)?;
        match assigned(&collection, column, input, hashes)? {
            Ok(None) => {}
            Ok(Some(assigned)) => assignments.push(assigned),
            Err(dangling) => return Ok(Err(dangling)),
        }
    }
    let (mut expectations, mut password_mark) = (Vec::new(), None);
    for expectation in &change.expectations {
        match expectation {
            Expectation::Value((column, value)) => {
                expectations.push((collection.column(column)?.clone(), value.clone()));
            }
            Expectation::PasswordMark(mark) if collection.name == "directus_users" => {
                password_mark = Some(mark.clone());
            }
            Expectation::PasswordMark(_) => return Err(nonsense("only accounts have a password's mark")),
        }
    }
    Ok(Ok(Planned { action: change.action, collection, id, assignments, expectations, password_mark }))
}

/// The identifier of a change's record. Nothing can be expected of a record that is yet to be made.
fn identifier(collection: &Collection, change: &Change) -> Result<Option<Cell>, Error> {
    let kind = collection.key()?.kind;
    match (&change.id, change.action) {
        (_, Action::Create) if !change.expectations.is_empty() => Err(nonsense("a new record meets no expectation")),
        (_, Action::Update | Action::Create)
            if change.assignments.iter().any(|assignment| assignment.column == "id") =>
        {
            Err(nonsense("a record keeps its identifier"))
        }
        (None, Action::Create) => Ok((kind == Kind::Uuid).then(|| uuid::Uuid::new_v4().to_string().into())),
        (None, _) => Err(nonsense("a change names no record")),
        (Some(id), action) => match value::compared(kind, &Value::Text(id.clone()))? {
            None if matches!(action, Action::Create) => Err(nonsense("a new record has an identifier of another kind")),
            cell => Ok(cell),
        },
    }
}

/// What is written into a column; nothing where the column is missing and is to stay empty.
fn assigned(
    collection: &Collection,
    column: &Column,
    input: &Input,
    hashes: &[String],
) -> Result<Result<Option<Assigned>, Taken>, Error> {
    let refused = || nonsense(format!("`{}.{}` cannot hold that", collection.name, column.name));
    let (cell, given) = match input {
        Input::PasswordHash(number) if column.kind == Kind::Secret => {
            let hash = usize::try_from(*number).ok().and_then(|number| hashes.get(number));
            (hash.map(Cell::from).ok_or_else(|| nonsense("there is no hash of this number"))?, String::new())
        }
        Input::PasswordHash(_) => return Err(refused()),
        Input::Plain(given) => {
            let text = value::text_of(given).unwrap_or_default();
            match value::written(column.kind, given) {
                Some(cell) => (cell, text),
                None if column.reference != Reference::No => {
                    return Ok(Err(taken(collection.name, &column.name, text)));
                }
                None => return Err(refused()),
            }
        }
    };
    match (column.present, &cell) {
        (false, Cell::Null) => Ok(Ok(None)),
        (false, _) => Err(nonsense(format!("this database has no `{}.{}`", collection.name, column.name))),
        (true, _) => Ok(Ok(Some(Assigned { column: column.clone(), cell, given }))),
    }
}

/// What is told about a value that cannot be.
pub(super) fn taken(collection: &str, column: &str, value: String) -> Taken {
    Taken { collection: collection.to_owned(), column: column.to_owned(), value }
}

impl Planned {
    /// The statement that makes the change. It touches no row if the record is not there or an expectation is not met;
    /// `password` is the stored hash where its mark was expected.
    pub(super) fn statement(&self, password: Option<&Cell>) -> Result<Statement, Error> {
        let mut draft = Draft::default();
        match self.action {
            Action::Create => self.insert(&mut draft),
            Action::Update => {
                draft.push("UPDATE ").name(self.collection.name).push(" SET ");
                self.set(&mut draft);
                self.still(&mut draft, password)?;
            }
            Action::Delete => {
                draft.push("DELETE FROM ").name(self.collection.name);
                self.still(&mut draft, password)?;
            }
        }
        Ok(draft.finish())
    }

    fn insert(&self, draft: &mut Draft) {
        let mut values: Vec<(&str, &Cell)> = self.id.iter().map(|id| ("id", id)).collect();
        values.extend(self.assignments.iter().map(|assigned| (assigned.column.name.as_ref(), &assigned.cell)));
        draft.push("INSERT INTO ").name(self.collection.name);
        if values.is_empty() {
            draft.push(" DEFAULT VALUES");
        } else {
            for (index, (name, _)) in values.iter().enumerate() {
                draft.push(if index > 0 { ", " } else { " (" }).name(name);
            }
            for (index, (_, cell)) in values.iter().enumerate() {
                draft.push(if index > 0 { ", " } else { ") VALUES (" }).argument((*cell).clone());
            }
            draft.push(")");
        }
        draft.push(" RETURNING \"id\"");
    }

    fn set(&self, draft: &mut Draft) {
        if self.assignments.is_empty() {
            draft.push("\"id\" = \"id\"");
        }
        for (index, assigned) in self.assignments.iter().enumerate() {
            draft.push(if index > 0 { ", " } else { "" });
            draft.name(&assigned.column.name).push(" = ").argument(assigned.cell.clone());
        }
    }

    fn still(&self, draft: &mut Draft, password: Option<&Cell>) -> Result<(), Error> {
        draft.push(" WHERE \"id\" = ").argument(self.id.clone());
        for (column, value) in &self.expectations {
            draft.push(" AND ");
            if !matches!(value, Value::Null) {
                condition::single(draft, column, Operator::Equal, value)?;
            } else if column.present {
                draft.name(&column.name).push(" IS NULL");
            } else {
                draft.push("TRUE");
            }
        }
        if let Some(hash) = password {
            draft.push(" AND \"password\"");
            if *hash == Cell::Null {
                draft.push(" IS NULL");
            } else {
                draft.push(" = ").argument(hash.clone());
            }
        }
        Ok(())
    }

    /// Looks for records that have a value which only one may have.
    pub(super) fn rivals(&self) -> Vec<(Taken, Statement)> {
        let mut rivals = Vec::new();
        if let (Action::Create, Some(id)) = (self.action, &self.id) {
            let mut draft = Draft::default();
            draft.push("SELECT 1 FROM ").name(self.collection.name).push(" WHERE \"id\" = ").argument(id.clone());
            rivals.push((taken(self.collection.name, "id", text(id)), draft.finish()));
        }
        for Assigned { column, cell, given } in &self.assignments {
            if column.unique == Unique::No || *cell == Cell::Null {
                continue;
            }
            let mut draft = Draft::default();
            draft.push("SELECT 1 FROM ").name(self.collection.name).push(" WHERE ");
            if column.unique == Unique::Folded {
                draft.push("lower(").name(&column.name).push(") = lower(").argument(cell.clone()).push(")");
            } else {
                draft.name(&column.name).push(" = ").argument(cell.clone());
            }
            if let Some(id) = &self.id {
                draft.push(" AND \"id\" <> ").argument(id.clone());
            }
            rivals.push((taken(self.collection.name, &column.name, given.clone()), draft.finish()));
        }
        rivals
    }

    /// Looks for the records that the values name.
    pub(super) fn named(&self) -> Vec<(Taken, Statement)> {
        let mut named = Vec::new();
        for Assigned { column, cell, given } in &self.assignments {
            if let (Reference::To(collection), false) = (column.reference, *cell == Cell::Null) {
                let mut draft = Draft::default();
                draft.push("SELECT 1 FROM ").name(collection).push(" WHERE \"id\" = ").argument(cell.clone());
                named.push((taken(self.collection.name, &column.name, given.clone()), draft.finish()));
            }
        }
        named
    }

    /// What is told when the database finds a rival that came in between.
    pub(super) fn rival(&self) -> Taken {
        let unique = self.assignments.iter().find(|assigned| assigned.column.unique != Unique::No);
        self.blamed(unique)
    }

    /// What is told when the database misses a record that is named, or keeps one because it is named.
    pub(super) fn missed(&self) -> Taken {
        let reference = |kind| self.assignments.iter().find(|assigned| assigned.column.reference == kind);
        let elsewhere = reference(Reference::Elsewhere).filter(|assigned| assigned.cell != Cell::Null);
        let any = || self.assignments.iter().find(|assigned| assigned.column.reference != Reference::No);
        self.blamed(elsewhere.or_else(any))
    }

    fn blamed(&self, assigned: Option<&Assigned>) -> Taken {
        match assigned {
            Some(assigned) => taken(self.collection.name, &assigned.column.name, assigned.given.clone()),
            None => taken(self.collection.name, "id", self.id.as_ref().map(text).unwrap_or_default()),
        }
    }
}

/// An identifier as a text.
pub(super) fn text(id: &Cell) -> String {
    match id {
        Cell::Text(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Ends the sessions of an account, but for a family.
pub(super) fn ending(form: Form, bytewise: &str, user: &str, except: Option<&str>) -> Statement {
    let mut draft = Draft::default();
    draft.push("DELETE FROM directus_sessions WHERE \"user\" = ").argument(user);
    if let Some(token) = except {
        let (first, end) = form.family_range(token);
        draft.push(" AND NOT (token").push(bytewise).push(" >= ").argument(first);
        draft.push(" AND token").push(bytewise).push(" < ").argument(end).push(")");
    }
    draft.finish()
}

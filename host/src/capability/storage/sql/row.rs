//! Values on their way into a database and out of it, and rows of them.

use super::Failure;

/// A value in a statement or a row. A database converts it to and from the type of its column: a time is milliseconds,
/// an identifier and a JSON text are texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A text, an identifier, JSON.
    Text(String),
    /// A whole number, or a time in milliseconds since the Unix epoch.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A truth value; a database without them may give 0 and 1.
    Boolean(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    /// The truth value, however the database keeps it.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Integer(number) => Some(*number != 0),
            _ => None,
        }
    }
}

/// A row, read from left to right.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Cell>);

impl Row {
    /// The cells of a row, in the order in which the statement asks for them.
    #[must_use]
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    /// The next cell.
    pub(super) fn cell(&mut self) -> Result<Cell, Failure> {
        self.0.next().ok_or_else(|| Failure::Failed("a row ended early".into()))
    }

    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        self.optional_text()?.ok_or_else(|| Failure::Failed("a text is missing".into()))
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, Failure> {
        match self.cell()? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Integer(number) => Ok(Some(number.to_string())),
            other => Err(Failure::Failed(format!("expected a text, found {}", kind(&other)).into())),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, Failure> {
        match self.cell()? {
            Cell::Integer(number) => Ok(number),
            other => Err(Failure::Failed(format!("expected an integer, found {}", kind(&other)).into())),
        }
    }

    pub(super) fn optional_integer(&mut self) -> Result<Option<i64>, Failure> {
        match self.cell()? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(number)),
            other => Err(Failure::Failed(format!("expected an integer, found {}", kind(&other)).into())),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(super) fn time(&mut self) -> Result<u64, Failure> {
        let cell = self.cell()?;
        let ms = super::value::milliseconds(&cell);
        let ms = ms.ok_or_else(|| Failure::Failed(format!("expected a time, found {}", kind(&cell)).into()))?;
        Ok(u64::try_from(ms).unwrap_or_default())
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Failure> {
        let cell = self.cell()?;
        cell.truth().ok_or_else(|| Failure::Failed(format!("expected a truth value, found {}", kind(&cell)).into()))
    }
}

/// What a cell is, without what is in it: it may be a secret.
fn kind(cell: &Cell) -> &'static str {
    match cell {
        Cell::Null => "nothing",
        Cell::Text(_) => "a text",
        Cell::Integer(_) => "an integer",
        Cell::Decimal(_) => "a decimal",
        Cell::Boolean(_) => "a truth value",
    }
}

//! The table that is printed: one line for each figure, with its target and what it is held against.

use std::fmt;

/// A figure.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) measured: String,
    /// The target in words, and whether it is met; none for figures that explain others.
    pub(crate) target: Option<(String, bool)>,
    /// What the machine does without the server, or with less of it.
    pub(crate) ceiling: String,
}

/// All figures, in Markdown.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn add(
        &mut self,
        what: &str,
        measured: String,
        target: Option<(&str, bool)>,
        ceiling: impl Into<String>,
    ) {
        let target = target.map(|(text, met)| (text.to_owned(), met));
        self.0.push(Row { what: what.into(), measured, target, ceiling: ceiling.into() });
    }

    /// How many targets are missed.
    pub(crate) fn missed(&self) -> usize {
        self.0.iter().filter(|row| row.target.as_ref().is_some_and(|(_, met)| !met)).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["what", "measured", "target", "", "ceiling or floor on this machine"].map(str::to_owned)];
        for Row { what, measured, target, ceiling } in &self.0 {
            let (text, met) = match target {
                Some((text, true)) => (text.as_str(), "met"),
                Some((text, false)) => (text.as_str(), "MISSED"),
                None => ("", ""),
            };
            lines.push([what, measured, text, met, ceiling].map(ToOwned::to_owned));
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3), width(4)];
        for (index, line) in lines.iter().enumerate() {
            for (cell, width) in line.iter().zip(widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                writeln!(f, "|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_marked_and_counted() {
        let mut table = Table::default();
        table.add("rate", "5/s".into(), Some(("10/s", false)), "20/s");
        table.add("start", "5 ms".into(), Some(("10 ms", true)), "");
        assert_eq!(table.missed(), 1);
        let lines: Vec<String> = table.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[2], "| rate  | 5/s      | 10/s   | MISSED | 20/s                             |");
    }
}

//! What is told, to people as tables and to programs as JSON.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write as _;

/// How to tell it.
#[derive(clap::Args)]
pub(super) struct Output {
    /// As JSON, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

impl Output {
    /// Tells something: JSON on one line, or words for people.
    pub(super) fn tell(&self, data: &Value, words: impl FnOnce() -> String) {
        if self.json { tell(&data.to_string()) } else { tell(&words()) }
    }

    /// Tells a list: as JSON, or the named fields of each as a table.
    pub(super) fn table(&self, data: &Value, columns: &[(&str, &str)]) {
        self.tell(data, || table(data, columns));
    }
}

/// A table of the fields of each item; the second of a column's names is the path of its field.
fn table(data: &Value, columns: &[(&str, &str)]) -> String {
    let items = data.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return "nothing".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(title, _)| *title));
    for item in items {
        table.add_row(columns.iter().map(|(_, path)| cell(item.pointer(path))));
    }
    let lines = table.to_string();
    // The library keeps a column free at the left.
    lines.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect::<Vec<_>>().join("\n")
}

/// A value in a cell. What comes from clients may hold what moves a cursor or colours a terminal; that is taken out.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(truth)) => if *truth { "yes" } else { "" }.to_owned(),
        Some(other) => other.to_string(),
    };
    plain(&text)
}

/// A text without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Where nobody listens there is nothing to say.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The same for what is wrong.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_see_a_table() {
        let data = json!([
            { "id": "a", "client": { "ip": "192.0.2.1" }, "current": true, "count": 3 },
            { "id": "long name", "client": { "ip": null }, "current": false },
        ]);
        let columns = [("Id", "/id"), ("Address", "/client/ip"), ("Here", "/current"), ("Count", "/count")];
        let text = table(&data, &columns);
        let words: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            words,
            [vec!["Id", "Address", "Here", "Count"], vec!["a", "192.0.2.1", "yes", "3"], vec!["long", "name"]]
        );
        let under = |word: &str| text.lines().find_map(|line| line.find(word));
        assert_eq!(under("Address"), under("192.0.2.1"), "columns are straight:\n{text}");
        assert_eq!(table(&json!([]), &columns), "nothing");
    }

    #[test]
    fn what_comes_from_elsewhere_does_not_reach_the_terminal_as_it_is() {
        assert_eq!(cell(Some(&json!("a\u{1b}[31mb\nc"))), "a\u{fffd}[31mb\u{fffd}c");
    }
}

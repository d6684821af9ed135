//! The grammar of `.env` files, as the npm package `dotenv` reads them.
//!
//! `NAME=value`, optionally after `export `, `#` comments, values in single, double or back quotes that may span lines;
//! in double quotes `\n` and `\r` become line breaks. Unquoted values end at a `#` or the end of the line and are trimmed.
//! Of a name that occurs twice, the last counts. Two differences: a quote that is never closed is an error, and a line
//! that is no assignment is reported (Directus ignores both). Deliberately absent: expansion of `$NAME`.

/// What a `.env` file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dotenv {
    /// Names and values in the order of the file.
    pub(super) variables: Vec<(String, String)>,
    /// Numbers of lines that are neither an assignment, a comment nor empty.
    pub(super) ignored_lines: Vec<usize>,
    /// Numbers of lines on which a quote opens that is never closed.
    pub(super) unclosed_lines: Vec<usize>,
}

/// Reads the text of a `.env` file.
pub(super) fn parse(text: &str) -> Dotenv {
    let mut found = Dotenv::default();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let line_number = 1 + newlines(text) - newlines(rest);
        rest = assignment(rest, line_number, &mut found);
    }
    found
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

/// Takes one assignment (or one line that is none) off `text` and returns what follows it.
fn assignment<'a>(text: &'a str, line_number: usize, found: &mut Dotenv) -> &'a str {
    let (line, next) = split_line(text);
    if line.trim().is_empty() || line.trim_start().starts_with('#') {
        return next;
    }
    let Some((name, after)) = name(text) else {
        found.ignored_lines.push(line_number);
        return next;
    };
    let Ok((value, next)) = value(after) else {
        found.unclosed_lines.push(line_number);
        return next;
    };
    found.variables.push((name.to_owned(), value));
    next
}

/// The first line of `text` without its end, and what follows.
fn split_line(text: &str) -> (&str, &str) {
    let (line, next) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), next)
}

/// The name before `=` (or `: `) at the start of `text`, and all the text after the sign.
fn name(text: &str) -> Option<(&str, &str)> {
    let start = text.trim_start();
    let start = match start.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start_matches([' ', '\t']),
        _ => start,
    };
    let length = start.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (name, after) = start.split_at_checked(length).filter(|(name, _)| !name.is_empty())?;
    let value = match after.trim_start_matches([' ', '\t']).strip_prefix('=') {
        Some(value) => value,
        None => after.strip_prefix(':').filter(|value| value.starts_with([' ', '\t']))?,
    };
    Some((name, value))
}

/// A quote opens and is never closed.
struct Unclosed;

/// The value at the start of `text`, and the text after the line it ends on.
fn value(text: &str) -> Result<(String, &str), Unclosed> {
    let trimmed = text.trim_start_matches([' ', '\t']);
    let (line, next) = split_line(trimmed);
    let Some(quote) = trimmed.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        return Ok((unquoted(line), next));
    };
    let (content, after) = quoted(trimmed, quote).ok_or(Unclosed)?;
    let (tail, next_after_quote) = split_line(after);
    if !(tail.trim().is_empty() || tail.trim_start().starts_with('#')) {
        return Ok((unquoted(line), next)); // `"a" b` is taken as it stands, quotes included
    }
    let content = if quote == '"' { content.replace("\\n", "\n").replace("\\r", "\r") } else { content.to_owned() };
    Ok((content, next_after_quote))
}

fn unquoted(line: &str) -> String {
    line.split('#').next().unwrap_or_default().trim().to_owned()
}

/// What stands between `quote` at the start of `text` and the next one that no backslash precedes, and what follows.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let inside = text.strip_prefix(quote)?;
    let closes = |at: &usize| inside.get(..*at).is_some_and(|before| !before.ends_with('\\'));
    let end = inside.match_indices(quote).map(|(at, _)| at).find(closes)?;
    Some((inside.get(..end)?, inside.get(end..)?.strip_prefix(quote)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables(text: &str) -> Vec<(String, String)> {
        let found = parse(text);
        assert_eq!((&found.ignored_lines, &found.unclosed_lines), (&vec![], &vec![]), "{text}");
        found.variables
    }

    #[test]
    fn values_read_as_in_dotenv() {
        for (text, value) in [
            ("A=b", "b"),
            ("A = b ", "b"),
            ("  export A=b", "b"),
            ("export\tA=b", "b"),
            ("A: b", "b"),
            ("A=", ""),
            ("A=b # comment", "b"),
            ("A=b#c", "b"),
            ("A=\"b # c\" # comment", "b # c"),
            ("A='b\\nc'", "b\\nc"),
            ("A=\"b\\nc\"", "b\nc"),
            ("A=\"b\nc\"", "b\nc"),
            ("A='b\nc'", "b\nc"),
            ("A=`b \"c\" 'd'`", "b \"c\" 'd'"),
            ("A=\"b\" c", "\"b\" c"),
            ("A='it\\'s'", "it\\'s"),
            ("A=b=c", "b=c"),
            ("A=b\r\n", "b"),
            ("\u{feff}A=b", "b"),
            ("A=json:{\"a\":1}", "json:{\"a\":1}"),
        ] {
            assert_eq!(variables(text), [("A".to_owned(), value.to_owned())], "{text:?}");
        }
    }

    #[test]
    fn the_next_assignment_starts_after_a_multi_line_value() {
        let pairs = variables("# head\n\nA=\"1\n2=3\" # tail\n  # more\nAUTH_MY-SSO.X='4'\nC=\n");
        let expected = [("A", "1\n2=3"), ("AUTH_MY-SSO.X", "4"), ("C", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_line_that_assigns_nothing_is_reported() {
        let found = parse("A=1\nhello\n=2\nexport\nB=3");
        assert_eq!(found.ignored_lines, [2, 3, 4]);
        assert_eq!(found.variables.len(), 2);
    }

    #[test]
    fn a_quote_that_never_closes_is_reported() {
        let found = parse("A=1\nB=\"2\nC=3");
        assert_eq!(found.unclosed_lines, [2]);
        assert_eq!(found.variables.last().unwrap(), &("C".to_owned(), "3".to_owned()));
    }

    proptest! {
        #[test]
        fn reading_takes_any_text(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn near_files_do_not_panic(text in "(export |[A-Z]|=|'|\"|`|\\\\|#|:| |\r|\n|é){0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn quoted_values_survive(name in "[A-Za-z_][A-Za-z0-9_.-]{0,9}", value in "[^'\\\\]{0,40}") {
            let text = format!("X=1\nexport {name}='{value}' # c\nY=2\n");
            let pairs = variables(&text);
            prop_assert_eq!(&pairs[1], &(name, value));
            prop_assert_eq!(pairs.len(), 3);
        }
    }
}

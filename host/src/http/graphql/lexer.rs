//! The words of a GraphQL document (<https://spec.graphql.org/October2021/#sec-Language.Source-Text>), with the refusals of
//! graphql-js for what is none.
//!
//! Invariant: linear in the text, and never panics. Deliberately absent: values; only kinds and places matter to [`super::syntax`].

use async_graphql::Pos;
use std::fmt;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing follows.
    End,
    /// One of `! $ & ( ) ... : = @ [ ] { | }`.
    Sign(&'static str),
    Name,
    Int,
    Float,
    String,
    BlockString,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => formatter.write_str("<EOF>"),
            Self::Sign(sign) => write!(formatter, "\"{sign}\""),
            Self::Name => formatter.write_str("Name"),
            Self::Int => formatter.write_str("Int"),
            Self::Float => formatter.write_str("Float"),
            Self::String => formatter.write_str("String"),
            Self::BlockString => formatter.write_str("BlockString"),
        }
    }
}

/// A word and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// Its letters; without their quotes for strings.
    pub(super) text: &'a str,
    pub(super) place: Pos,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End | Kind::Sign(_) => self.kind.fmt(formatter),
            kind => write!(formatter, "{kind} \"{}\"", self.text),
        }
    }
}

/// Why a document is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What graphql-js says after `Syntax Error: `.
    pub(super) reason: String,
    pub(super) place: Pos,
}

const SIGNS: [&str; 14] = ["...", "!", "$", "&", "(", ")", ":", "=", "@", "[", "]", "{", "|", "}"];

/// Reads words from left to right.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    place: Pos,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, place: Pos { line: 1, column: 1 } }
    }

    /// The next word; [`Kind::End`] again and again behind the last one.
    pub(super) fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        self.skip_blanks();
        let Some(first) = self.rest.chars().next() else { return Ok(self.take(Kind::End, 0)) };
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign)) {
            return Ok(self.take(Kind::Sign(sign), sign.len()));
        }
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(self.take(Kind::Name, self.span(is_word))),
            '0'..='9' | '-' => self.number(),
            '"' if self.rest.starts_with("\"\"\"") => self.block_string(),
            '"' => self.string(),
            '\'' => Err(self
                .refused("Unexpected single quote character ('), did you mean to use a double quote (\")?".to_owned())),
            other => Err(self.refused(format!("Unexpected character: {}.", shown(Some(other))))),
        }
    }

    /// Blanks, commas, line ends, comments and byte order marks.
    fn skip_blanks(&mut self) {
        loop {
            let blank = self.span(|letter| matches!(letter, ' ' | '\t' | ',' | '\n' | '\r' | '\u{feff}'));
            let comment = match self.rest.get(blank..) {
                Some(rest) if rest.starts_with('#') => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                _ => 0,
            };
            if blank + comment == 0 {
                return;
            }
            self.advance(blank + comment);
        }
    }

    fn number(&mut self) -> Result<Token<'a>, SyntaxError> {
        let digits = |from: usize| {
            let rest = self.rest.get(from..).unwrap_or_default();
            from + rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
        };
        let letter = |at: usize| self.rest.get(at..).and_then(|rest| rest.chars().next());
        let bad = |at: usize| {
            Err(self.refused_at(at, format!("Invalid number, expected digit but got: {}.", shown(letter(at)))))
        };
        let start = usize::from(letter(0) == Some('-'));
        let (mut end, mut kind) = (digits(start), Kind::Int);
        if end == start {
            return bad(end);
        }
        if letter(start) == Some('0') && end > start + 1 {
            let got = shown(letter(start + 1));
            return Err(self.refused_at(start + 1, format!("Invalid number, unexpected digit after 0: {got}.")));
        }
        if letter(end) == Some('.') {
            let (from, to) = (end + 1, digits(end + 1));
            if from == to {
                return bad(from);
            }
            (end, kind) = (to, Kind::Float);
        }
        if matches!(letter(end), Some('e' | 'E')) {
            let from = end + 1 + usize::from(matches!(letter(end + 1), Some('+' | '-')));
            let to = digits(from);
            if from == to {
                return bad(from);
            }
            (end, kind) = (to, Kind::Float);
        }
        if letter(end).is_some_and(|letter| letter == '.' || letter == '_' || letter.is_ascii_alphabetic()) {
            return bad(end);
        }
        Ok(self.take(kind, end))
    }

    fn string(&mut self) -> Result<Token<'a>, SyntaxError> {
        let mut letters = self.rest.char_indices().skip(1);
        let end = loop {
            match letters.next() {
                Some((at, '"')) => break at,
                Some((at, '\\')) => match letters.next() {
                    Some((_, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {}
                    Some((_, 'u')) => {
                        let digits = self.rest.get(at + 2..at + 6).unwrap_or_default();
                        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                            let shown: String = self.rest.chars().skip(self.letters(at)).take(6).collect();
                            return Err(self.refused_at(at, format!("Invalid Unicode escape sequence: \"{shown}\".")));
                        }
                    }
                    Some((_, other)) => {
                        let reason = format!("Invalid character escape sequence: \"\\{other}\".");
                        return Err(self.refused_at(at, reason));
                    }
                    None => return Err(self.refused_at(self.rest.len(), "Unterminated string.".to_owned())),
                },
                Some((at, '\n' | '\r')) => return Err(self.refused_at(at, "Unterminated string.".to_owned())),
                Some(_) => {}
                None => return Err(self.refused_at(self.rest.len(), "Unterminated string.".to_owned())),
            }
        };
        Ok(self.quoted(Kind::String, 1, end))
    }

    fn block_string(&mut self) -> Result<Token<'a>, SyntaxError> {
        let mut from = 3;
        while let Some(found) = self.rest.get(from..).and_then(|rest| rest.find("\"\"\"")) {
            let end = from + found;
            let escaped = self.rest.get(..end).is_some_and(|before| before.ends_with('\\'));
            if !escaped {
                return Ok(self.quoted(Kind::BlockString, 3, end));
            }
            from = end + 3;
        }
        Err(self.refused_at(self.rest.len(), "Unterminated string.".to_owned()))
    }

    /// The word between quotes of so many bytes, of which the last begin at `end`.
    fn quoted(&mut self, kind: Kind, quotes: usize, end: usize) -> Token<'a> {
        let text = self.rest.get(quotes..end).unwrap_or_default();
        let token = self.take(kind, end + quotes);
        Token { text, ..token }
    }

    /// So many bytes as one word.
    fn take(&mut self, kind: Kind, bytes: usize) -> Token<'a> {
        let token = Token { kind, text: self.rest.get(..bytes).unwrap_or_default(), place: self.place };
        self.advance(bytes);
        token
    }

    fn span(&self, belongs: impl Fn(char) -> bool) -> usize {
        self.rest.find(|letter| !belongs(letter)).unwrap_or(self.rest.len())
    }

    /// The number of letters in so many bytes.
    fn letters(&self, bytes: usize) -> usize {
        self.rest.get(..bytes).map_or(0, |text| text.chars().count())
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.place = moved(self.place, passed);
        self.rest = rest;
    }

    fn refused(&self, reason: String) -> SyntaxError {
        self.refused_at(0, reason)
    }

    fn refused_at(&self, bytes: usize, reason: String) -> SyntaxError {
        SyntaxError { reason, place: moved(self.place, self.rest.get(..bytes).unwrap_or(self.rest)) }
    }
}

/// The place behind `passed`. Columns count as JavaScript does, in units of UTF-16; `\r\n` ends one line.
fn moved(place: Pos, passed: &str) -> Pos {
    let Pos { mut line, mut column } = place;
    let mut letters = passed.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' | '\r' => (line, column) = (line + 1, 1),
            other => column += other.len_utf16(),
        }
    }
    Pos { line, column }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A letter as graphql-js names it.
fn shown(letter: Option<char>) -> String {
    match letter {
        None => "<EOF>".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(letter @ ' '..='~') => format!("\"{letter}\""),
        Some(other) => format!("U+{:04X}", u32::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Result<Vec<String>, String> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        loop {
            let refused = |error: SyntaxError| format!("{} {}", error.place, error.reason);
            let token = lexer.next().map_err(refused)?;
            if token.kind == Kind::End {
                return Ok(words);
            }
            words.push(format!("{} {token}", token.place));
        }
    }

    #[test]
    fn words_have_kinds_and_places() {
        let text = "query Q($a:[Int!]=-1.5e3) # all\r\n{ a(b: \"x\\\"y\", c: \"\"\"z\n\\\"\"\"\"\"\") ...F }";
        let expected = [
            "1:1 Name \"query\"",
            "1:7 Name \"Q\"",
            "1:8 \"(\"",
            "1:9 \"$\"",
            "1:10 Name \"a\"",
            "1:11 \":\"",
            "1:12 \"[\"",
            "1:13 Name \"Int\"",
            "1:16 \"!\"",
            "1:17 \"]\"",
            "1:18 \"=\"",
            "1:19 Float \"-1.5e3\"",
            "1:25 \")\"",
            "2:1 \"{\"",
            "2:3 Name \"a\"",
            "2:4 \"(\"",
            "2:5 Name \"b\"",
            "2:6 \":\"",
            "2:8 String \"x\\\"y\"",
            "2:16 Name \"c\"",
            "2:17 \":\"",
            "2:19 BlockString \"z\n\\\"\"\"\"",
            "3:8 \")\"",
            "3:10 \"...\"",
            "3:13 Name \"F\"",
            "3:15 \"}\"",
        ];
        assert_eq!(words(text).unwrap(), expected);
    }

    #[test]
    fn columns_are_those_of_javascript() {
        assert_eq!(words("\"😀\" a").unwrap()[1], "1:6 Name \"a\"");
        assert_eq!(words("\u{feff}{\ra").unwrap()[1], "2:1 Name \"a\"");
    }

    #[test]
    fn what_is_no_word_is_refused_as_graphql_js_does() {
        for (text, reason) in [
            ("?", "1:1 Unexpected character: \"?\"."),
            ("a é", "1:3 Unexpected character: U+00E9."),
            ("'a'", "1:1 Unexpected single quote character ('), did you mean to use a double quote (\")?"),
            ("\"a", "1:3 Unterminated string."),
            ("\"a\nb\"", "1:3 Unterminated string."),
            ("\"\"\"a", "1:5 Unterminated string."),
            ("\"\\q\"", "1:2 Invalid character escape sequence: \"\\q\"."),
            ("\"\\u12x4\"", "1:2 Invalid Unicode escape sequence: \"\\u12x4\"."),
            ("01", "1:2 Invalid number, unexpected digit after 0: \"1\"."),
            ("1.", "1:3 Invalid number, expected digit but got: <EOF>."),
            ("1e", "1:3 Invalid number, expected digit but got: <EOF>."),
            ("-a", "1:2 Invalid number, expected digit but got: \"a\"."),
            ("1a", "1:2 Invalid number, expected digit but got: \"a\"."),
            (".", "1:1 Unexpected character: \".\"."),
        ] {
            assert_eq!(words(text).unwrap_err(), reason, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "([\\[\\]{}()\"\\\\!$@:=.a-c0-9eE+\\-# \r\nu]|\\PC){0,60}") {
            let _ = words(&text);
        }
    }
}

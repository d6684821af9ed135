//! The grammar of executable GraphQL documents (<https://spec.graphql.org/October2021/#sec-Document-Syntax>): whether a text is
//! one, in the words of graphql-js where it is not.
//!
//! The library's parser runs afterwards, on documents that passed here. Invariants: what passes is bounded in words and in
//! nesting, so that a recursive parser is safe with it; never panics. Deliberately absent: the document itself, and
//! definitions of types, which nobody may send.

use super::lexer::{Kind, Lexer, SyntaxError, Token};
use async_graphql::Pos;

/// Words of a document: Directus's `GRAPHQL_QUERY_TOKEN_LIMIT`. The longest query of a known client, `GraphiQL`'s for the whole
/// schema, has 300.
const WORDS_MAX: usize = 5000;

/// Brackets within brackets. A document may be nested half as deep ([`super::document`]); values take the rest.
const NESTING_MAX: usize = 48;

/// Checks a whole document.
pub(super) fn check(text: &str) -> Result<(), SyntaxError> {
    let mut lexer = Lexer::new(text);
    let ahead = lexer.next()?;
    let mut grammar = Grammar { lexer, ahead, words: 0, nesting: 0 };
    loop {
        grammar.definition()?;
        if grammar.ahead.kind == Kind::End {
            return Ok(());
        }
    }
}

/// Reads a document with one word ahead.
struct Grammar<'a> {
    lexer: Lexer<'a>,
    ahead: Token<'a>,
    words: usize,
    nesting: usize,
}

type Checked<T = ()> = Result<T, SyntaxError>;

impl<'a> Grammar<'a> {
    fn definition(&mut self) -> Checked {
        match (self.ahead.kind, self.ahead.text) {
            (Kind::Sign("{"), _) => self.selections(),
            (Kind::Name, "query" | "mutation" | "subscription") => self.operation(),
            (Kind::Name, "fragment") => self.fragment(),
            _ => Err(self.unexpected()),
        }
    }

    fn operation(&mut self) -> Checked {
        self.advance()?;
        if self.ahead.kind == Kind::Name {
            self.advance()?;
        }
        self.in_brackets("(", ")", Self::variable)?;
        self.directives(false)?;
        self.selections()
    }

    fn variable(&mut self) -> Checked {
        self.expect(Kind::Sign("$"))?;
        self.expect(Kind::Name)?;
        self.expect(Kind::Sign(":"))?;
        self.type_name()?;
        if self.accept(Kind::Sign("="))? {
            self.value(true)?;
        }
        self.directives(true)
    }

    fn type_name(&mut self) -> Checked {
        if self.accept(Kind::Sign("["))? {
            self.deeper(Self::type_name)?;
            self.expect(Kind::Sign("]"))?;
        } else {
            self.expect(Kind::Name)?;
        }
        self.accept(Kind::Sign("!")).map(drop)
    }

    fn fragment(&mut self) -> Checked {
        self.advance()?;
        self.fragment_name()?;
        if self.ahead.kind != Kind::Name || self.ahead.text != "on" {
            return Err(self.refused(format!("Expected \"on\", found {}.", self.ahead)));
        }
        self.advance()?;
        self.expect(Kind::Name)?;
        self.directives(false)?;
        self.selections()
    }

    fn fragment_name(&mut self) -> Checked {
        if self.ahead.text == "on" {
            return Err(self.unexpected());
        }
        self.expect(Kind::Name).map(drop)
    }

    /// At least one selection in braces.
    fn selections(&mut self) -> Checked {
        self.expect(Kind::Sign("{"))?;
        self.deeper(|this| {
            loop {
                this.selection()?;
                if this.accept(Kind::Sign("}"))? {
                    return Ok(());
                }
            }
        })
    }

    fn selection(&mut self) -> Checked {
        if !self.accept(Kind::Sign("..."))? {
            return self.field();
        }
        let on_type = self.ahead.kind == Kind::Name && self.ahead.text == "on";
        if self.ahead.kind == Kind::Name && !on_type {
            self.fragment_name()?;
            return self.directives(false);
        }
        if on_type {
            self.advance()?;
            self.expect(Kind::Name)?;
        }
        self.directives(false)?;
        self.selections()
    }

    fn field(&mut self) -> Checked {
        self.expect(Kind::Name)?;
        if self.accept(Kind::Sign(":"))? {
            self.expect(Kind::Name)?;
        }
        self.arguments(false)?;
        self.directives(false)?;
        if self.ahead.kind == Kind::Sign("{") { self.selections() } else { Ok(()) }
    }

    fn arguments(&mut self, constant: bool) -> Checked {
        self.in_brackets("(", ")", |this| this.pair(constant))
    }

    fn directives(&mut self, constant: bool) -> Checked {
        while self.accept(Kind::Sign("@"))? {
            self.expect(Kind::Name)?;
            self.arguments(constant)?;
        }
        Ok(())
    }

    /// A name, a colon and a value.
    fn pair(&mut self, constant: bool) -> Checked {
        self.expect(Kind::Name)?;
        self.expect(Kind::Sign(":"))?;
        self.value(constant)
    }

    fn value(&mut self, constant: bool) -> Checked {
        match self.ahead.kind {
            Kind::Sign("[") => self.collection("]", |this| this.value(constant)),
            Kind::Sign("{") => self.collection("}", |this| this.pair(constant)),
            Kind::Int | Kind::Float | Kind::String | Kind::BlockString | Kind::Name => self.advance().map(drop),
            Kind::Sign("$") => {
                let sign = self.advance()?;
                if constant && self.ahead.kind == Kind::Name {
                    let reason = format!("Unexpected variable \"${}\" in constant value.", self.ahead.text);
                    return Err(SyntaxError { reason, place: sign.place });
                }
                if constant {
                    return Err(SyntaxError { reason: format!("Unexpected {sign}."), place: sign.place });
                }
                self.expect(Kind::Name).map(drop)
            }
            Kind::Sign(_) | Kind::End => Err(self.unexpected()),
        }
    }

    /// Any number of things up to a closing bracket.
    fn collection(&mut self, close: &'static str, one: impl Fn(&mut Self) -> Checked) -> Checked {
        self.advance()?;
        self.deeper(|this| {
            while !this.accept(Kind::Sign(close))? {
                one(this)?;
            }
            Ok(())
        })
    }

    /// At least one thing in brackets, or no brackets.
    fn in_brackets(&mut self, open: &'static str, close: &'static str, one: impl Fn(&mut Self) -> Checked) -> Checked {
        if !self.accept(Kind::Sign(open))? {
            return Ok(());
        }
        loop {
            one(self)?;
            if self.accept(Kind::Sign(close))? {
                return Ok(());
            }
        }
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Checked) -> Checked {
        if self.nesting >= NESTING_MAX {
            return Err(self.refused(format!("Document is nested deeper than {NESTING_MAX} levels.")));
        }
        self.nesting += 1;
        let checked = inner(self);
        self.nesting -= 1;
        checked
    }

    fn expect(&mut self, kind: Kind) -> Checked<Token<'a>> {
        if self.ahead.kind == kind {
            return self.advance();
        }
        Err(self.refused(format!("Expected {kind}, found {}.", self.ahead)))
    }

    fn accept(&mut self, kind: Kind) -> Checked<bool> {
        let is_there = self.ahead.kind == kind;
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    /// The word ahead; the next one takes its place.
    fn advance(&mut self) -> Checked<Token<'a>> {
        self.words += 1;
        if self.words > WORDS_MAX {
            return Err(self.refused(format!("Document contains more than {WORDS_MAX} tokens. Parsing aborted.")));
        }
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    fn unexpected(&self) -> SyntaxError {
        self.refused(format!("Unexpected {}.", self.ahead))
    }

    fn refused(&self, reason: String) -> SyntaxError {
        SyntaxError { reason, place: Pos { ..self.ahead.place } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_of_all_kinds_pass() {
        for text in [
            "{a}",
            "query{a}",
            "query Q($a: [Int!]! = [1, 2] @d, $b: T = {x: null, y: [RED]}) @d(if: true) { a: b(c: $a, d: {e: $b}) @skip(if: false) { ...F ... on T { x } ... @include(if: true) { y } } }",
            "fragment F on T @d { on }",
            "mutation M { a } subscription S { b } { c }",
            "{ query mutation fragment true null }",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused_as_graphql_js_does() {
        for (text, reason, line, column) in [
            ("mutation{", "Expected Name, found <EOF>.", 1, 10),
            ("", "Unexpected <EOF>.", 1, 1),
            ("{", "Expected Name, found <EOF>.", 1, 2),
            ("{}", "Expected Name, found \"}\".", 1, 2),
            ("{a}}", "Unexpected \"}\".", 1, 4),
            ("{a(}", "Expected Name, found \"}\".", 1, 4),
            ("{a(b:)}", "Unexpected \")\".", 1, 6),
            ("{a()}", "Expected Name, found \")\".", 1, 4),
            ("{a:}", "Expected Name, found \"}\".", 1, 4),
            ("{...}", "Expected \"{\", found \"}\".", 1, 5),
            ("{a ...on}", "Expected Name, found \"}\".", 1, 9),
            ("query Q(a: Int) {a}", "Expected \"$\", found Name \"a\".", 1, 9),
            ("query ($a: Int = $b) {a}", "Unexpected variable \"$b\" in constant value.", 1, 18),
            ("query ($a Int) {a}", "Expected \":\", found Name \"Int\".", 1, 11),
            ("fragment on on T {a}", "Unexpected Name \"on\".", 1, 10),
            ("fragment F T {a}", "Expected \"on\", found Name \"T\".", 1, 12),
            ("type T { a: Int }", "Unexpected Name \"type\".", 1, 1),
            ("{\n  a\n  5\n}", "Expected Name, found Int \"5\".", 3, 3),
            ("{a \"", "Unterminated string.", 1, 5),
        ] {
            let place = Pos { line, column };
            assert_eq!(check(text), Err(SyntaxError { reason: reason.to_owned(), place }), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_refused() {
        assert!(check(&format!("{{{}}}", "a ".repeat(WORDS_MAX - 2))).is_ok());
        assert!(check(&format!("{{{}}}", "a ".repeat(WORDS_MAX))).unwrap_err().reason.contains("5000 tokens"));
        for deep in
            [format!("{}a{}", "{a".repeat(100_000), "}".repeat(100_000)), format!("{{a(b:{}", "[".repeat(100_000))]
        {
            assert!(check(&deep).unwrap_err().reason.contains("deeper than 48"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_checked_without_panic(text in "((query|fragment|on|\\.\\.\\.|[{}()\\[\\]$:!=@a ])){0,40}") {
            let passed = check(&text).is_ok();
            let parsed = async_graphql::parser::parse_query(&text);
            if !passed {
                prop_assert!(parsed.is_err() || text.contains("type"), "{}", text);
            }
        }
    }
}

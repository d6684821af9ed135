//! Words a JSON syntax error as the JavaScript engine V8 does, because clients of this protocol show its message.
//!
//! Scans only text that `serde_json` has already refused. Invariants: linear time, no recursion, positions in UTF-16 code
//! units. A half of a surrogate pair, which V8 may quote, becomes U+FFFD. Deliberately absent: any value.

/// V8 quotes this many code units before and after the offending one.
const CONTEXT: usize = 10;

const QUOTE: u16 = b'"' as u16;

/// JSON's white space (RFC 8259 §2).
pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// The message for a document whose top level is neither an object nor an array.
pub(crate) fn not_a_structure(text: &str) -> String {
    let mut scanner = Scanner::new(text);
    scanner.skip_blanks();
    scanner.unexpected().0
}

/// The message for `text`, or `None` where V8 would not object.
pub(crate) fn syntax_error(text: &str) -> Option<String> {
    Scanner::new(text).document().err().map(|Message(message)| message)
}

struct Message(String);

type Scan = Result<(), Message>;

#[derive(Clone, Copy, PartialEq)]
enum Container {
    Object,
    Array,
}

struct Scanner {
    units: Vec<u16>,
    at: usize,
}

impl Scanner {
    fn new(text: &str) -> Self {
        Self { units: text.encode_utf16().collect(), at: 0 }
    }

    fn document(&mut self) -> Scan {
        let mut open = Vec::new();
        loop {
            self.value(&mut open)?;
            if !self.next_value(&mut open)? {
                break;
            }
        }
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.located("Unexpected non-whitespace character after JSON")),
        }
    }

    /// Reads one value; of a container that is not empty, only what precedes its first value.
    fn value(&mut self, open: &mut Vec<Container>) -> Scan {
        loop {
            self.skip_blanks();
            match self.peek_ascii() {
                Some('"') => return self.string(),
                Some('-' | '0'..='9') => return self.number(),
                Some('t') => return self.literal("true"),
                Some('f') => return self.literal("false"),
                Some('n') => return self.literal("null"),
                Some('{') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.take('}') {
                        return Ok(());
                    }
                    self.key("Expected property name or '}'")?;
                    open.push(Container::Object);
                }
                Some('[') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.take(']') {
                        return Ok(());
                    }
                    open.push(Container::Array);
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Reads what follows a value: closes containers up to the next comma. False at the end of the outermost one.
    fn next_value(&mut self, open: &mut Vec<Container>) -> Result<bool, Message> {
        while let Some(container) = open.last() {
            self.skip_blanks();
            let (close, complaint) = match container {
                Container::Object => ('}', "Expected ',' or '}' after property value"),
                Container::Array => (']', "Expected ',' or ']' after array element"),
            };
            if self.take(',') {
                if *container == Container::Object {
                    self.skip_blanks();
                    self.key("Expected double-quoted property name")?;
                }
                return Ok(true);
            }
            if !self.take(close) {
                return Err(self.error(complaint));
            }
            open.pop();
        }
        Ok(false)
    }

    fn key(&mut self, complaint: &str) -> Scan {
        if self.peek() != Some(QUOTE) {
            return Err(self.error(complaint));
        }
        self.string()?;
        self.skip_blanks();
        if self.take(':') { Ok(()) } else { Err(self.error("Expected ':' after property name")) }
    }

    fn string(&mut self) -> Scan {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.error("Unterminated string")),
                Some(QUOTE) => {
                    self.at += 1;
                    return Ok(());
                }
                Some(control) if control < 0x20 => {
                    return Err(self.error("Bad control character in string literal"));
                }
                Some(unit) if unit == u16::from(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Scan {
        self.at += 1;
        match self.peek_ascii() {
            Some('u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek_ascii().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                        return Err(self.error("Bad Unicode escape"));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                self.at += 1;
                Ok(())
            }
            _ if self.peek().is_none() => Err(self.unexpected()),
            _ => Err(self.error("Bad escaped character")),
        }
    }

    fn number(&mut self) -> Scan {
        if self.take('-') && !self.at_digit() {
            return Err(self.error("No number after minus sign"));
        }
        if self.take('0') {
            if self.at_digit() {
                return Err(self.error("Unexpected number"));
            }
        } else {
            self.skip_digits();
        }
        if self.take('.') {
            if !self.at_digit() {
                return Err(self.error("Unterminated fractional number"));
            }
            self.skip_digits();
        }
        if self.take('e') || self.take('E') {
            let _sign = self.take('+') || self.take('-');
            if !self.at_digit() {
                return Err(self.error("Exponent part is missing a number"));
            }
            self.skip_digits();
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan {
        for letter in word.chars() {
            if !self.take(letter) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    fn peek_ascii(&self) -> Option<char> {
        self.peek().and_then(|unit| u8::try_from(unit).ok()).map(char::from)
    }

    fn at_digit(&self) -> bool {
        self.peek_ascii().is_some_and(|digit| digit.is_ascii_digit())
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek_ascii() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_digits(&mut self) {
        while self.at_digit() {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while self.peek_ascii().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn error(&self, complaint: &str) -> Message {
        self.located(&format!("{complaint} in JSON"))
    }

    /// `complaint`, and where.
    fn located(&self, complaint: &str) -> Message {
        let before = self.units.get(..self.at).unwrap_or(&self.units);
        let (mut line, mut line_start) = (1, 0);
        for (index, unit) in before.iter().enumerate() {
            let carriage_return = *unit == u16::from(b'\r') && before.get(index + 1) != Some(&u16::from(b'\n'));
            if *unit == u16::from(b'\n') || carriage_return {
                line += 1;
                line_start = index + 1;
            }
        }
        let column = self.at - line_start + 1;
        Message(format!("{complaint} at position {} (line {line} column {column})", self.at))
    }

    /// The message for a code unit that nothing explains, with a piece of the text around it.
    fn unexpected(&self) -> Message {
        let Some(unit) = self.peek() else {
            return Message("Unexpected end of JSON input".to_owned());
        };
        if unit == QUOTE && self.at > 0 && self.is_inside_a_literal() {
            return self.error("Unexpected string");
        }
        if self.is_inside_a_literal() && (self.at_digit() || unit == u16::from(b'-')) {
            return self.error("Unexpected number");
        }
        let whole = self.quote(0, self.units.len());
        // What JavaScript makes of an object that was not serialised.
        if whole == "[object Object]" {
            return Message(format!("\"{whole}\" is not valid JSON"));
        }
        let (length, end) = (self.units.len(), self.at + CONTEXT);
        let context = if length <= 2 * CONTEXT {
            format!("\"{whole}\"")
        } else if self.at < CONTEXT {
            format!("\"{}\"...", self.quote(0, end))
        } else if end < length {
            format!("...\"{}\"...", self.quote(self.at - CONTEXT, end))
        } else {
            format!("...\"{}\"", self.quote(self.at - CONTEXT, length))
        };
        Message(format!("Unexpected token '{}', {context} is not valid JSON", self.quote(self.at, self.at + 1)))
    }

    /// Whether the current unit breaks off `true`, `false` or `null`: only there can a string or number be unexpected.
    fn is_inside_a_literal(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|index| self.units.get(index)).copied();
        before.and_then(|unit| u8::try_from(unit).ok()).is_some_and(|unit| unit.is_ascii_lowercase())
    }

    fn quote(&self, start: usize, end: usize) -> String {
        String::from_utf16_lossy(self.units.get(start..end.min(self.units.len())).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::json;

    /// What Express's JSON parser on Node 22 says to each text.
    #[rustfmt::skip]
    const MESSAGES: &[(&str, &str)] = &[
        ("{\"email\":", "Unexpected end of JSON input"),
        ("{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("[", "Unexpected end of JSON input"),
        ("{\"a\":1", "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
        ("{\"a\":1,", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1,}", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ("{\"a\"", "Expected ':' after property name in JSON at position 4 (line 1 column 5)"),
        ("{\"a\" 1}", "Expected ':' after property name in JSON at position 5 (line 1 column 6)"),
        ("{\"a\":}", "Unexpected token '}', \"{\"a\":}\" is not valid JSON"),
        ("{a:1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("{'a':1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("{\"a\":1 \"b\":2}", "Expected ',' or '}' after property value in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1]", "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
        ("[1,]", "Unexpected token ']', \"[1,]\" is not valid JSON"),
        ("[1", "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)"),
        ("[1 2]", "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"),
        ("[1}", "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)"),
        ("[,1]", "Unexpected token ',', \"[,1]\" is not valid JSON"),
        ("{,}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("{\"a\":\"b", "Unterminated string in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":\"b\n\"}", "Bad control character in string literal in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":\"\\x\"}", "Bad escaped character in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":\"\\u12g4\"}", "Bad Unicode escape in JSON at position 10 (line 1 column 11)"),
        ("{\"a\":\"\\u12\"}", "Bad Unicode escape in JSON at position 10 (line 1 column 11)"),
        ("{\"a\":\"\\u", "Bad Unicode escape in JSON at position 8 (line 1 column 9)"),
        ("{\"a\":\"\\", "Unexpected end of JSON input"),
        ("{\"a\":\"\t\"}", "Bad control character in string literal in JSON at position 6 (line 1 column 7)"),
        ("[\"\u{0}\"]", "Bad control character in string literal in JSON at position 2 (line 1 column 3)"),
        ("{\"a\":-}", "No number after minus sign in JSON at position 6 (line 1 column 7)"),
        ("{\"a\":-x}", "No number after minus sign in JSON at position 6 (line 1 column 7)"),
        ("{\"a\":01}", "Unexpected number in JSON at position 6 (line 1 column 7)"),
        ("{\"a\":-01}", "Unexpected number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1.}", "Unterminated fractional number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1.x}", "Unterminated fractional number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1e}", "Exponent part is missing a number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1e+}", "Exponent part is missing a number in JSON at position 8 (line 1 column 9)"),
        ("{\"a\":+1}", "Unexpected token '+', \"{\"a\":+1}\" is not valid JSON"),
        ("{\"a\":.5}", "Unexpected token '.', \"{\"a\":.5}\" is not valid JSON"),
        ("{\"a\":1.5.2}", "Expected ',' or '}' after property value in JSON at position 8 (line 1 column 9)"),
        ("{\"a\":0x10}", "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
        ("[0123]", "Unexpected number in JSON at position 2 (line 1 column 3)"),
        ("[-", "No number after minus sign in JSON at position 2 (line 1 column 3)"),
        ("[1.", "Unterminated fractional number in JSON at position 3 (line 1 column 4)"),
        ("[1e", "Exponent part is missing a number in JSON at position 3 (line 1 column 4)"),
        ("[00]", "Unexpected number in JSON at position 2 (line 1 column 3)"),
        ("{\"a\":tru}", "Unexpected token '}', \"{\"a\":tru}\" is not valid JSON"),
        ("{\"a\":nul", "Unexpected end of JSON input"),
        ("{\"a\":nulx}", "Unexpected token 'x', \"{\"a\":nulx}\" is not valid JSON"),
        ("{\"a\":falsey}", "Expected ',' or '}' after property value in JSON at position 10 (line 1 column 11)"),
        ("[t", "Unexpected end of JSON input"),
        ("[true", "Expected ',' or ']' after array element in JSON at position 5 (line 1 column 6)"),
        ("{\"a\":undefined}", "Unexpected token 'u', \"{\"a\":undefined}\" is not valid JSON"),
        ("{\"a\":NaN}", "Unexpected token 'N', \"{\"a\":NaN}\" is not valid JSON"),
        ("{\"a\":Infinity}", "Unexpected token 'I', \"{\"a\":Infinity}\" is not valid JSON"),
        ("{\"a\":1}x", "Unexpected non-whitespace character after JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1} {\"b\":2}", "Unexpected non-whitespace character after JSON at position 8 (line 1 column 9)"),
        ("[]]", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
        ("{}}", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
        ("[1] 2", "Unexpected non-whitespace character after JSON at position 4 (line 1 column 5)"),
        ("[] \"a\"", "Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)"),
        ("{\"a\":1,\n\"b\":}", "Unexpected token '}', \"{\"a\":1,\n\"b\":}\" is not valid JSON"),
        ("{\n  \"a\": 1,\n  b: 2\n}", "Expected double-quoted property name in JSON at position 14 (line 3 column 3)"),
        ("{\r\n\"a\":1\r\n\"b\":2}", "Expected ',' or '}' after property value in JSON at position 10 (line 3 column 1)"),
        ("{\"a\":\r1\r,x}", "Expected double-quoted property name in JSON at position 9 (line 3 column 2)"),
        ("[\n1\n2]", "Expected ',' or ']' after array element in JSON at position 4 (line 3 column 1)"),
        ("{\"email\":\"user@example.com\",\"password\":User-password1}", "Unexpected token 'U', ...\"password\":User-passw\"... is not valid JSON"),
        ("{\"email\":user@example.com,\"password\":\"User-password1\"}", "Unexpected token 'u', \"{\"email\":user@examp\"... is not valid JSON"),
        ("{\"email\":\"user@example.com\",\"password\":\"User-password1\",x", "Expected double-quoted property name in JSON at position 56 (line 1 column 57)"),
        ("{\"email\":\"user@example.com\",\"password\":}", "Unexpected token '}', ...\"password\":}\" is not valid JSON"),
        ("{\"aaaaaaaaaaaaaaa\":x}", "Unexpected token 'x', ...\"aaaaaaaa\":x}\" is not valid JSON"),
        ("{\"aaaaaaaaaaaaaaaa\":x}", "Unexpected token 'x', ...\"aaaaaaaa\":x}\" is not valid JSON"),
        ("[x,1,2,3,4,5,6,7,8,9,10,11,12]", "Unexpected token 'x', \"[x,1,2,3,4,\"... is not valid JSON"),
        ("[1,2,3,4,5,6,7,8,9,10,11,x]", "Unexpected token 'x', ...\"8,9,10,11,x]\" is not valid JSON"),
        ("[1,2,3,4,5,6,7,8,9,10,11,\"aaaaaaaaaaaaaaa\",x,\"bbbbbbbbbbbbbbbbbbbb\"]", "Unexpected token 'x', ...\"aaaaaaaa\",x,\"bbbbbbb\"... is not valid JSON"),
        ("{\"a\":\"é\",\"b\":x}", "Unexpected token 'x', \"{\"a\":\"é\",\"b\":x}\" is not valid JSON"),
        ("{\"a\":\"😀\",\"b\":x}", "Unexpected token 'x', \"{\"a\":\"😀\",\"b\":x}\" is not valid JSON"),
        ("[\"é\" 1]", "Expected ',' or ']' after array element in JSON at position 5 (line 1 column 6)"),
        ("[\"\u{2028}\" 1]", "Expected ',' or ']' after array element in JSON at position 5 (line 1 column 6)"),
        ("{\"a\":é}", "Unexpected token 'é', \"{\"a\":é}\" is not valid JSON"),
        ("{\"a\":１}", "Unexpected token '１', \"{\"a\":１}\" is not valid JSON"),
        ("[object Object]", "\"[object Object]\" is not valid JSON"),
        ("{\"a\":1,\"b\"}", "Expected ':' after property name in JSON at position 10 (line 1 column 11)"),
        ("{\"a\":1,b}", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":1,1:2}", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ("{1:2}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("{\"a\":{\"b\":[1,{\"c\":}]}}", "Unexpected token '}', ...\"\":[1,{\"c\":}]}}\" is not valid JSON"),
        ("{\"a\":/*x*/1}", "Unexpected token '/', \"{\"a\":/*x*/1}\" is not valid JSON"),
        ("// x\n{}", "Unexpected token '/', \"// x\n{}\" is not valid JSON"),
        ("[\"a\",'b']", "Unexpected token ''', \"[\"a\",'b']\" is not valid JSON"),
        ("{\"a\":\"b\" \"c\"}", "Expected ',' or '}' after property value in JSON at position 9 (line 1 column 10)"),
        ("{\"a\":[1,2}", "Expected ',' or ']' after array element in JSON at position 9 (line 1 column 10)"),
        ("[\"a\"\"b\"]", "Expected ',' or ']' after array element in JSON at position 4 (line 1 column 5)"),
        ("{\"a\"::1}", "Unexpected token ':', \"{\"a\"::1}\" is not valid JSON"),
        ("{\"a\":1,,\"b\":2}", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ("{]", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("[}", "Unexpected token '}', \"[}\" is not valid JSON"),
        ("{\"a\":\"\u{7f}\"}{", "Unexpected non-whitespace character after JSON at position 9 (line 1 column 10)"),
        ("{\"a\":1}\u{a0}", "Unexpected non-whitespace character after JSON at position 7 (line 1 column 8)"),
        ("\u{a0}{}", "Unexpected token '\u{a0}', \"\u{a0}{}\" is not valid JSON"),
        ("{\"a\"\u{a0}:1}", "Expected ':' after property name in JSON at position 4 (line 1 column 5)"),
        ("{:1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("[\"\\u{41}\"]", "Bad Unicode escape in JSON at position 4 (line 1 column 5)"),
        ("[\"\\", "Unexpected end of JSON input"),
        (" {\"a\":x}", "Unexpected token 'x', \" {\"a\":x}\" is not valid JSON"),
        ("\n\n{\"a\":x}", "Unexpected token 'x', \"\n\n{\"a\":x}\" is not valid JSON"),
        ("[1,2,3,4,5,6,7,8,9,\"x", "Unterminated string in JSON at position 21 (line 1 column 22)"),
        ("{\"a\":tr1}", "Unexpected number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":tr\"x\"}", "Unexpected string in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":tr-}", "Unexpected number in JSON at position 7 (line 1 column 8)"),
        ("{\"a\":t", "Unexpected end of JSON input"),
        ("{\"a\":t1}", "Unexpected number in JSON at position 6 (line 1 column 7)"),
        ("{\"a\":nu{}}", "Unexpected token '{', \"{\"a\":nu{}}\" is not valid JSON"),
        ("{\"a\":\"x\r\ny\"}", "Bad control character in string literal in JSON at position 7 (line 1 column 8)"),
        ("{\"aaaaaaaaaaaaaa\":x}", "Unexpected token 'x', \"{\"aaaaaaaaaaaaaa\":x}\" is not valid JSON"),
        ("[\"aaaaaaaaaaaaaaaa\",x]", "Unexpected token 'x', ...\"aaaaaaaa\",x]\" is not valid JSON"),
        ("[1,2,3,4,x,5,6,7,8,9,0]", "Unexpected token 'x', \"[1,2,3,4,x,5,6,7,8,\"... is not valid JSON"),
        ("{\"aaaa\":x,\"bbbbbbbbbb\":1}", "Unexpected token 'x', \"{\"aaaa\":x,\"bbbbbbb\"... is not valid JSON"),
        ("[1,2,3,4,5,6,7,8,9,10,11,12,13 14]", "Expected ',' or ']' after array element in JSON at position 31 (line 1 column 32)"),
        ("{\"a\":1e5,\"b\":-0,\"c\":1E-3x}", "Expected ',' or '}' after property value in JSON at position 24 (line 1 column 25)"),
        ("{\"a\":{\"b\":1,}}", "Expected double-quoted property name in JSON at position 12 (line 1 column 13)"),
        ("[[1,2],[3,4]", "Expected ',' or ']' after array element in JSON at position 12 (line 1 column 13)"),
        ("[{}{}]", "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"),
        ("[\"a\\/b\\b\\f\\n\\r\\t\",]", "Unexpected token ']', \"[\"a\\/b\\b\\f\\n\\r\\t\",]\" is not valid JSON"),
        ("null", "Unexpected token 'n', \"null\" is not valid JSON"),
        ("true", "Unexpected token 't', \"true\" is not valid JSON"),
        ("12", "Unexpected token '1', \"12\" is not valid JSON"),
        ("\"abc\"", "Unexpected token '\"', \"\"abc\"\" is not valid JSON"),
        ("-", "Unexpected token '-', \"-\" is not valid JSON"),
        ("undefined", "Unexpected token 'u', \"undefined\" is not valid JSON"),
        ("  null", "Unexpected token 'n', \"  null\" is not valid JSON"),
        ("x", "Unexpected token 'x', \"x\" is not valid JSON"),
        ("email=a&password=b", "Unexpected token 'e', \"email=a&password=b\" is not valid JSON"),
        ("<xml version=\"1.0\"><a></a></xml>", "Unexpected token '<', \"<xml versi\"... is not valid JSON"),
        ("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "Unexpected token '\"', \"\"aaaaaaaaa\"... is not valid JSON"),
        ("\n\"abc\"", "Unexpected token '\"', \"\n\"abc\"\" is not valid JSON"),
        ("                              nullnullnullnull", "Unexpected token 'n', ...\"          nullnullnu\"... is not valid JSON"),
        ("   ", "Unexpected end of JSON input"),
        ("\n", "Unexpected end of JSON input"),
        ("{\"a\":x}", "Unexpected token 'x', \"{\"a\":x}\" is not valid JSON"),
        ("%7B%7D", "Unexpected token '%', \"%7B%7D\" is not valid JSON"),
        ("NaN", "Unexpected token 'N', \"NaN\" is not valid JSON"),
        ("[object", "Unexpected token 'o', \"[object\" is not valid JSON"),
        ("a#b", "Unexpected token 'a', \"a#b\" is not valid JSON"),
        ("#", "Unexpected token '#', \"#\" is not valid JSON"),
        ("#{\"a\":1}", "Unexpected token '#', \"#{\"a\":1}\" is not valid JSON"),
        ("é\"a\"", "Unexpected token 'é', \"é\"a\"\" is not valid JSON"),
        ("😀", "Unexpected token '\u{fffd}', \"😀\" is not valid JSON"),
        ("{\"a\":x😀}", "Unexpected token 'x', \"{\"a\":x😀}\" is not valid JSON"),
        ("{\"aaaaaaaaaaaaaaaa\":😀}", "Unexpected token '\u{fffd}', ...\"aaaaaaaa\":😀}\" is not valid JSON"),
        ("{\"a\":😀}", "Unexpected token '\u{fffd}', \"{\"a\":😀}\" is not valid JSON"),
    ];

    #[test]
    fn every_message_is_the_engines() {
        for (text, message) in MESSAGES {
            assert_eq!(json::parse(text).unwrap_err(), *message, "{text:?}");
        }
    }

    #[test]
    fn a_broken_megabyte_is_worded_quickly() {
        let text = "[".repeat(1 << 20);
        assert_eq!(super::syntax_error(&text).as_deref(), Some("Unexpected end of JSON input"));
    }
}

//! The text of an HTML page, for people whose mail program shows none: what a template of the operator's says, without
//! its looks. Links keep their addresses. Deliberately absent: tables, lists and anything like a browser.

/// Elements whose content is not for reading.
const SILENT: [&str; 4] = ["head", "style", "script", "title"];

/// Elements that stand on lines of their own.
const LINES: [&str; 14] =
    ["br", "p", "div", "tr", "table", "h1", "h2", "h3", "h4", "li", "ul", "ol", "hr", "blockquote"];

pub(super) fn text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut silent: Option<&str> = None;
    let mut address: Option<String> = None;
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        if silent.is_none() {
            push(&mut text, before);
        }
        let (tag, after) = match after.strip_prefix("!--") {
            Some(comment) => ("", comment.split_once("-->").map_or("", |(_, after)| after)),
            None => after.split_once('>').unwrap_or((after, "")),
        };
        rest = after;
        let (closes, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name = tag.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        match silent {
            Some(open) if closes && open == name => silent = None,
            None if !closes => {
                silent = SILENT.into_iter().find(|silent| *silent == name);
                if name == "a" {
                    address = attribute(tag, "href");
                }
            }
            None if name == "a" => {
                if let Some(address) = address.take().filter(|address| !text.ends_with(address.as_str())) {
                    text.push_str(" (");
                    text.push_str(&address);
                    text.push(')');
                }
            }
            _ => {}
        }
        if silent.is_none() && LINES.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    if silent.is_none() {
        push(&mut text, rest);
    }
    tidy(&text)
}

/// Adds what stands between two tags: white space is one space, and entities are letters.
fn push(text: &mut String, between: &str) {
    let words: Vec<&str> = between.split_whitespace().collect();
    if between.starts_with(char::is_whitespace) {
        text.push(' ');
    }
    text.push_str(&decode(&words.join(" ")));
    if !words.is_empty() && between.ends_with(char::is_whitespace) {
        text.push(' ');
    }
}

/// The entities that escaping makes, and the space that pages are full of.
fn decode(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&nbsp;", " ").replace("&amp;", "&")
}

/// The value of an attribute in quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.to_ascii_lowercase().find(&format!("{name}="))? + name.len() + 1;
    let value = tag.get(start..)?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(decode(value.get(1..)?.split_once(quote)?.0))
}

/// At most one empty line in a row, and no space at the ends of lines.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        if !line.is_empty() {
            tidy.push_str(line);
            tidy.push('\n');
        } else if !tidy.is_empty() && !tidy.ends_with("\n\n") {
            tidy.push('\n');
        }
    }
    tidy.truncate(tidy.trim_end().len());
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn a_page_becomes_its_text() {
        let html = "<html><head><title>no</title><style>p { color: red }</style></head><body><!-- <p>no</p> -->
            <h1>Hello &amp; welcome</h1>\n<p>Please <b>open</b>\n  <a class=\"x\" href=\"https://a.example/?a=1&amp;b=2\">this</a>.<br>
            Or: <a href='https://b.example/'>https://b.example/</a></p></body></html>";
        expect![[r"
            Hello & welcome

            Please open this (https://a.example/?a=1&b=2).
            Or: https://b.example/"]]
        .assert_eq(&text(html));
    }

    #[test]
    fn what_never_ends_ends() {
        for html in ["<", "a<b", "<style>x", "<!-- x", "<a href=\"x"] {
            let _ = text(html);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(html in "([a<>/\"'= \n&;é-]|style|href|br|!--){0,40}") {
            let _ = text(&html);
        }
    }
}

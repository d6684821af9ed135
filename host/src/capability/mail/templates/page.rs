//! Reads a template far enough to join it with its layout: `{% layout %}`, `{% block %}`, and which other templates it
//! takes in.
//!
//! These tags are of liquidjs, the Liquid that Directus uses; the `liquid` crate does not have them and its users cannot
//! add them with what it exports. So they are resolved in the source, before it is parsed. Comments of the form
//! `{% # … %}` are dropped for the same reason. Deliberately absent: everything else about Liquid.

/// A mistake in a template, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) reason: String,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// What a page may put in the place of a part of its layout.
    Block {
        name: String,
        parts: Vec<Part>,
    },
}

/// A template, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) layout: Option<String>,
    pub(super) parts: Vec<Part>,
    /// The templates that it takes in by `{% include %}` and `{% render %}`.
    pub(super) partials: Vec<String>,
    /// The source with the tags that are resolved here blanked out, so that the rest can be parsed and every line keeps
    /// its number.
    pub(super) rest: String,
}

/// Deepest nesting of blocks. Joining recurses into them.
const BLOCKS_DEEP_MAX: usize = 16;

/// A tag as it stands in the source.
struct Tag<'a> {
    /// Where it begins and ends.
    start: usize,
    end: usize,
    word: &'a str,
    arguments: &'a str,
    trims_before: bool,
    trims_after: bool,
}

impl<'a> Tag<'a> {
    /// The first tag from `from` on. What stands in `{{ … }}` is no tag.
    fn find(source: &'a str, from: usize) -> Result<Option<Self>, Mistake> {
        let mut at = from;
        loop {
            let Some(offset) = source.get(at..).and_then(|rest| rest.find('{')) else { return Ok(None) };
            let start = at + offset;
            let rest = source.get(start..).unwrap_or_default();
            if rest.starts_with("{%") {
                let end = rest.find("%}").map(|length| start + length + 2);
                let end = end.ok_or_else(|| mistake(source, start, "`{%` is never closed".to_owned()))?;
                return Ok(Some(Self::new(source, start, end)));
            }
            let value = rest.starts_with("{{").then(|| rest.find("}}").map_or(2, |length| length + 2));
            at = start + value.unwrap_or(1);
        }
    }

    fn new(source: &'a str, start: usize, end: usize) -> Self {
        let inner = source.get(start + 2..end - 2).unwrap_or_default();
        let trims_before = inner.starts_with('-');
        let trims_after = inner.len() > 1 && inner.ends_with('-');
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        let inner = if trims_after { inner.strip_suffix('-').unwrap_or(inner) } else { inner }.trim();
        let (word, arguments) = match inner.strip_prefix('#') {
            Some(comment) => ("#", comment),
            None => inner.split_once(char::is_whitespace).unwrap_or((inner, "")),
        };
        Self { start, end, word, arguments: arguments.trim(), trims_before, trims_after }
    }
}

impl Page {
    pub(super) fn read(source: &str) -> Result<Self, Mistake> {
        let mut reader = Reader { source, page: Self::default(), open: Vec::new(), trims: false };
        let mut at = 0;
        while let Some(tag) = Tag::find(source, at)? {
            reader.text(at, tag.start, tag.trims_before);
            at = reader.tag(&tag)?;
        }
        reader.text(at, source.len(), false);
        if let Some((start, name, _)) = reader.open.last() {
            return Err(mistake(source, *start, format!("the block `{name}` is never closed")));
        }
        Ok(reader.page)
    }
}

/// What has been read so far.
struct Reader<'a> {
    source: &'a str,
    page: Page,
    /// Blocks that are not closed yet: where they begin, their names and parts.
    open: Vec<(usize, String, Vec<Part>)>,
    /// Does the last tag that was resolved swallow the white space after it?
    trims: bool,
}

impl Reader<'_> {
    /// Takes the source from `start` to `end` as it is.
    fn text(&mut self, start: usize, end: usize, trims_before: bool) {
        let text = self.source.get(start..end).unwrap_or_default();
        self.page.rest.push_str(text);
        let text = if std::mem::take(&mut self.trims) { text.trim_start() } else { text };
        let text = if trims_before { text.trim_end() } else { text };
        self.push(Part::Text(text.to_owned()));
    }

    fn push(&mut self, part: Part) {
        let parts = self.open.last_mut().map_or(&mut self.page.parts, |(_, _, parts)| parts);
        match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => parts.push(part),
        }
    }

    /// Takes a tag, and returns where to go on.
    fn tag(&mut self, tag: &Tag<'_>) -> Result<usize, Mistake> {
        match tag.word {
            "layout" => {
                let name = self.literal(tag, tag.arguments)?;
                self.page.layout = Some(name).filter(|name| name != "none");
            }
            "block" => {
                if self.open.len() >= BLOCKS_DEEP_MAX {
                    return Err(self.mistake(tag, format!("blocks nest deeper than {BLOCKS_DEEP_MAX}")));
                }
                let name = tag.arguments.trim_matches(['"', '\'']).to_owned();
                self.open.push((tag.start, name, Vec::new()));
            }
            "endblock" => {
                let Some((_, name, parts)) = self.open.pop() else {
                    return Err(self.mistake(tag, "no block is open".to_owned()));
                };
                self.push(Part::Block { name, parts });
            }
            "#" => {}
            "raw" | "comment" => return self.verbatim(tag),
            "include" | "render" => {
                let name = self.literal(tag, tag.arguments)?;
                self.page.partials.push(name);
                self.text(tag.start, tag.end, false);
                return Ok(tag.end);
            }
            _ => {
                self.text(tag.start, tag.end, false);
                return Ok(tag.end);
            }
        }
        let blank = |letter: char| if letter == '\n' { '\n' } else { ' ' };
        self.page.rest.extend(self.source.get(tag.start..tag.end).unwrap_or_default().chars().map(blank));
        self.trims = tag.trims_after;
        Ok(tag.end)
    }

    /// Takes everything up to the end of a `raw` or `comment` as it is: tags in there are none.
    fn verbatim(&mut self, opening: &Tag<'_>) -> Result<usize, Mistake> {
        let closing = format!("end{}", opening.word);
        let (mut at, mut depth) = (opening.end, 1);
        while let Some(tag) = Tag::find(self.source, at)? {
            at = tag.end;
            if tag.word == closing {
                depth -= 1;
            } else if tag.word == opening.word && tag.word == "comment" {
                depth += 1;
            }
            if depth == 0 {
                self.text(opening.start, at, false);
                return Ok(at);
            }
        }
        Err(self.mistake(opening, format!("`{}` is never closed", opening.word)))
    }

    /// The quoted name that the arguments of a tag begin with.
    fn literal(&self, tag: &Tag<'_>, arguments: &str) -> Result<String, Mistake> {
        let unquoted = || self.mistake(tag, format!("`{}` takes the name of a template in quotes", tag.word));
        let quote = arguments.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let rest = quote.and_then(|quote| arguments.get(1..)?.split_once(quote));
        let (name, after) = rest.ok_or_else(unquoted)?;
        if tag.word == "layout" && !after.trim().is_empty() {
            return Err(self.mistake(tag, "a layout takes nothing but its name here".to_owned()));
        }
        let name = name.strip_suffix(".liquid").unwrap_or(name);
        let is_safe = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
        if !name.split('/').all(is_safe) {
            return Err(self.mistake(tag, format!("`{name}` is not the name of a template in the folder")));
        }
        Ok(name.to_owned())
    }

    fn mistake(&self, tag: &Tag<'_>, reason: String) -> Mistake {
        mistake(self.source, tag.start, reason)
    }
}

fn mistake(source: &str, at: usize, reason: String) -> Mistake {
    let before = source.get(..at).unwrap_or_default();
    Mistake { line: before.matches('\n').count() + 1, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn block(name: &str, parts: Vec<Part>) -> Part {
        Part::Block { name: name.to_owned(), parts }
    }

    #[test]
    fn blocks_and_layouts_are_found() {
        let page =
            Page::read("{% layout 'base' %}\na{% block one %}b{% block two %}c{% endblock %}{%endblock%}d").unwrap();
        assert_eq!(page.layout.as_deref(), Some("base"));
        let one = block("one", vec![text("b"), block("two", vec![text("c")]), text("")]);
        assert_eq!(page.parts, [text("\na"), one, text("d")]);
        assert_eq!(Page::read("{% layout \"none\" %}").unwrap().layout, None);
    }

    #[test]
    fn what_is_resolved_is_blanked_and_lines_keep_their_numbers() {
        let page = Page::read("{% # no\nmatter %}\n{% block a %}{{ x }}{% endblock %}{% if y %}z{% endif %}").unwrap();
        assert_eq!(page.rest.lines().count(), 3);
        assert_eq!(page.rest.trim(), "{{ x }}              {% if y %}z{% endif %}");
    }

    #[test]
    fn hyphens_swallow_white_space() {
        let page = Page::read("a \n{%- block x -%}\n b \n{%- endblock -%} c").unwrap();
        assert_eq!(page.parts, [text("a"), block("x", vec![text("b")]), text("c")]);
    }

    #[test]
    fn tags_in_raw_text_comments_and_values_are_none() {
        for source in [
            "{% raw %}{% block a %}{% endraw %}",
            "{% comment %}{% comment %}{% block a %}{% endcomment %}{% layout x %}{% endcomment %}",
            "{{ \"{% block a %}\" }}",
            "a { % block",
        ] {
            assert_eq!(Page::read(source).unwrap().parts, [text(source)], "{source}");
        }
    }

    #[test]
    fn partials_are_listed() {
        let page = Page::read("{% include \"head\" %}{%- render 'parts/foot.liquid', a: 1 -%}").unwrap();
        assert_eq!(page.partials, ["head", "parts/foot"]);
    }

    #[test]
    fn mistakes_have_a_line() {
        for (source, line) in [
            ("a\n{% block x %}", 2),
            ("{% endblock %}", 1),
            ("\n\n{% layout base %}", 3),
            ("{% layout \"base\", color: 1 %}", 1),
            ("{% include name %}", 1),
            ("{% include \"../../etc/passwd\" %}", 1),
            ("{% render \"/etc/passwd\" %}", 1),
            ("{% raw %}", 1),
            ("{% block", 1),
            (&"{% block a %}".repeat(17), 1),
        ] {
            assert_eq!(Page::read(source).unwrap_err().line, line, "{source}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(source in "([a{}% \"'#\n-]|layout|block|endblock|raw|comment|include){0,40}") {
            let _ = Page::read(&source);
        }
    }
}

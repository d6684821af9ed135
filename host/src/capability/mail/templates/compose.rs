//! Joins a page with its layout and the templates that it takes in, and compiles it.
//!
//! A block of a page stands in for the block of the same name in its layout; what a page says outside of its blocks goes
//! where the layout has a block without a name. `{{ block.super }}` and layouts of included templates are absent.

use super::page::{Mistake, Page, Part};
use liquid::{
    ParserBuilder, Template,
    partials::{InMemorySource, LazyCompiler},
};
use std::{collections::HashMap, fmt::Write};

/// Most pages that one letter may be made of: its layouts and what they take in. More is a circle.
const PAGES_MAX: usize = 32;

/// The name under which the layout finds what a page says outside of its blocks.
const OUTSIDE: &str = "gatewit_outside";

/// Why there is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("there is no template `{0}`")]
    Missing(String),
    #[error("`{page}.liquid`, line {line}: {reason}")]
    Mistake { page: String, line: usize, reason: String },
    #[error("`{page}.liquid`: {reason}")]
    Unfit { page: String, reason: String },
}

/// Compiles the page `name`. `source` gives the text of a page.
pub(super) fn compile(name: &str, source: &mut dyn FnMut(&str) -> Option<String>) -> Result<Template, Flaw> {
    let mut book = Book { source, pages: HashMap::new() };
    let chain = book.chain(name)?;
    book.partials()?;
    let unfit = |error: &liquid::Error| Flaw::Unfit { page: name.to_owned(), reason: explain(error).1 };
    let mut partials = InMemorySource::new();
    for (name, page) in &book.pages {
        partials.add(name.clone(), page.rest.clone());
        partials.add(format!("{name}.liquid"), page.rest.clone());
    }
    let parser = ParserBuilder::with_stdlib().partials(LazyCompiler::new(partials)).build();
    let text = book.join(&chain);
    parser.and_then(|parser| parser.parse(&text)).map_err(|error| unfit(&error))
}

/// The pages of one letter.
struct Book<'a> {
    source: &'a mut dyn FnMut(&str) -> Option<String>,
    pages: HashMap<String, Page>,
}

impl Book<'_> {
    /// Reads a page and sees that the rest of it is Liquid.
    fn read(&mut self, name: &str) -> Result<&Page, Flaw> {
        if !self.pages.contains_key(name) {
            if self.pages.len() >= PAGES_MAX {
                let reason = format!("takes in more than {PAGES_MAX} templates");
                return Err(Flaw::Unfit { page: name.to_owned(), reason });
            }
            let text = (self.source)(name).ok_or_else(|| Flaw::Missing(name.to_owned()))?;
            let flawed = |Mistake { line, reason }| Flaw::Mistake { page: name.to_owned(), line, reason };
            let page = Page::read(&text).map_err(flawed)?;
            let parsed = ParserBuilder::with_stdlib().build().and_then(|parser| parser.parse(&page.rest));
            if let Err(error) = parsed {
                let (line, reason) = explain(&error);
                // Of a filter that it does not know, the parser tells the name alone.
                let named = reason.rsplit_once('=').and_then(|(_, word)| line_of(&page.rest, word));
                return Err(flawed(Mistake { line: line.or(named).unwrap_or(1), reason }));
            }
            self.pages.insert(name.to_owned(), page);
        }
        self.pages.get(name).ok_or_else(|| Flaw::Missing(name.to_owned()))
    }

    /// A page, its layout, the layout of that, and so on.
    fn chain(&mut self, name: &str) -> Result<Vec<String>, Flaw> {
        let mut chain = vec![name.to_owned()];
        let mut page = self.read(name)?;
        while let Some(layout) = page.layout.clone() {
            if chain.contains(&layout) {
                return Err(Flaw::Unfit { page: layout, reason: "is a layout of itself".to_owned() });
            }
            page = self.read(&layout)?;
            chain.push(layout);
        }
        Ok(chain)
    }

    /// Reads whatever is taken in. A circle would recurse without end when the letter is written.
    fn partials(&mut self) -> Result<(), Flaw> {
        let names: Vec<String> = self.pages.keys().cloned().collect();
        names.iter().try_for_each(|name| self.take_in(name, &mut Vec::new()))
    }

    fn take_in(&mut self, name: &str, within: &mut Vec<String>) -> Result<(), Flaw> {
        if within.iter().any(|outer| outer == name) {
            return Err(Flaw::Unfit { page: name.to_owned(), reason: "takes itself in".to_owned() });
        }
        let page = self.read(name)?;
        if !within.is_empty() && page.layout.is_some() {
            let reason = "has a layout and is taken in by another template".to_owned();
            return Err(Flaw::Unfit { page: name.to_owned(), reason });
        }
        within.push(name.to_owned());
        for partial in page.partials.clone() {
            self.take_in(&partial, within)?;
        }
        within.pop();
        Ok(())
    }

    /// The outermost layout, with the blocks of the pages before it in their places.
    fn join(&self, chain: &[String]) -> String {
        let pages: Vec<&Page> = chain.iter().filter_map(|name| self.pages.get(name)).collect();
        let Some((layout, inner)) = pages.split_last() else { return String::new() };
        let (mut blocks, mut text) = (HashMap::new(), String::new());
        for (depth, page) in inner.iter().enumerate() {
            collect(&page.parts, &mut blocks);
            // Assignments out there count; what is shown goes into the block without a name.
            let outside: String = page.parts.iter().filter_map(Part::text).collect();
            // Writing to a text cannot fail.
            let _ = write!(text, "{{% capture {OUTSIDE}_{depth} %}}{outside}{{% endcapture %}}");
        }
        let shown = [Part::Text(format!("{{{{ {OUTSIDE}_0 }}}}"))];
        if !inner.is_empty() {
            blocks.entry("").or_insert(&shown);
        }
        fill(&layout.parts, &blocks, &mut text);
        text
    }
}

impl Part {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Block { .. } => None,
        }
    }
}

/// The blocks of a page; those that were found before stand in for them.
fn collect<'a>(parts: &'a [Part], blocks: &mut HashMap<&'a str, &'a [Part]>) {
    for part in parts {
        if let Part::Block { name, parts } = part {
            blocks.entry(name).or_insert(parts);
            collect(parts, blocks);
        }
    }
}

/// Writes parts out, with other blocks in the places of their own. A block that holds one of its own name shows that
/// one as it is, so this ends.
fn fill(parts: &[Part], blocks: &HashMap<&str, &[Part]>, text: &mut String) {
    for part in parts {
        match part {
            Part::Text(own) => text.push_str(own),
            Part::Block { name, parts } => {
                let shown = blocks.get(name.as_str()).copied().unwrap_or(parts);
                let mut rest = blocks.clone();
                rest.remove(name.as_str());
                fill(shown, &rest, text);
            }
        }
    }
}

/// The line and the reason of an error of Liquid, without the drawing around them and without values, which may be
/// secrets.
pub(super) fn explain(error: &liquid::Error) -> (Option<usize>, String) {
    let told = error.to_string();
    let line = told.split_once("--> ").and_then(|(_, at)| at.split_once(':')?.0.parse().ok());
    let drawn = told.lines().find_map(|line| line.trim_start().strip_prefix("= "));
    let plain = || told.lines().next().unwrap_or_default().trim_start_matches("liquid:").trim();
    let mut reason = drawn.unwrap_or_else(plain).to_owned();
    let names = ["requested ", "from: "];
    for detail in told.lines().map(str::trim).filter(|line| names.iter().any(|name| line.starts_with(name))) {
        reason.push_str("; ");
        reason.push_str(detail);
    }
    (line, reason)
}

/// The first line that a word stands in.
fn line_of(text: &str, word: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(word)).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::mail::templates::values::{Sheet, Values};

    fn compiled(pages: &[(&str, &str)]) -> Result<Template, Flaw> {
        let mut source =
            |name: &str| pages.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        compile("page", &mut source)
    }

    fn rendered(pages: &[(&str, &str)]) -> String {
        let mut sheet = Sheet::default();
        let values = Values(liquid::object!({ "name": "Ann" }));
        compiled(pages).unwrap().render_to(&mut sheet, &values).unwrap();
        sheet.text()
    }

    fn flaw(pages: &[(&str, &str)]) -> String {
        compiled(pages).err().unwrap().to_string()
    }

    #[test]
    fn a_page_fills_the_blocks_of_its_layout() {
        let page = "{% layout 'base' %}{% block content %}Hello {{ name }}{% endblock %}";
        let base = "<{% block title %}none{% endblock %}|{% block content %}nothing{% endblock %}>";
        assert_eq!(rendered(&[("page", page), ("base", base)]), "<none|Hello Ann>");
        assert_eq!(rendered(&[("page", base)]), "<none|nothing>");
    }

    #[test]
    fn layouts_have_layouts() {
        let page = "{% layout 'middle' %}{% block b %}2{% endblock %}";
        let middle = "{% layout 'base' %}{% block a %}1{% block b %}x{% endblock %}3{% endblock %}";
        let base = "[{% block a %}{% endblock %}]";
        assert_eq!(rendered(&[("page", page), ("middle", middle), ("base", base)]), "[123]");
    }

    #[test]
    fn what_is_outside_of_blocks_counts() {
        let page = "{% layout 'base' %}{% assign a = 'x' %}out{% block c %}in {{ a }}{% endblock %}";
        assert_eq!(
            rendered(&[("page", page), ("base", "{% block %}{% endblock %}|{% block c %}{% endblock %}")]),
            "out|in x"
        );
        assert_eq!(rendered(&[("page", page), ("base", "{% block c %}{% endblock %}")]), "in x");
    }

    #[test]
    fn a_block_in_a_block_of_its_name_ends() {
        let page = "{% layout 'base' %}{% block a %}1{% block a %}2{% endblock %}{% endblock %}";
        assert_eq!(rendered(&[("page", page), ("base", "{% block a %}{% endblock %}")]), "12");
    }

    #[test]
    fn templates_are_taken_in() {
        let page = "{% include 'head' %} {% render 'parts/foot.liquid', name: name %}";
        assert_eq!(rendered(&[("page", page), ("head", "H{{ name }}"), ("parts/foot", "F{{ name }}")]), "HAnn FAnn");
    }

    #[test]
    fn names_without_a_value_are_empty() {
        let page = "{{ a }}{{ a.b.c | default: 'd' }}{% if a %}no{% endif %}{% for x in a %}no{% endfor %}\
                    {% unless a.b %}{{ name | append: a }}{% endunless %}{% if a == blank or a == nil %}!{% endif %}";
        assert_eq!(rendered(&[("page", page)]), "dAnn!");
    }

    #[test]
    fn flaws_are_told_with_page_and_line() {
        let base = ("base", "a\n\n{{ name | shout }}");
        assert_eq!(
            flaw(&[("page", "{% layout 'base' %}"), base]),
            "`base.liquid`, line 3: Unknown filter; requested filter=shout"
        );
        assert_eq!(flaw(&[("page", "\n{% endblock %}")]), "`page.liquid`, line 2: no block is open");
        assert_eq!(flaw(&[("page", "{% layout 'x' %}")]), "there is no template `x`");
        assert!(flaw(&[("page", "\n{% if name %}")]).starts_with("`page.liquid`, line "));
    }

    #[test]
    fn circles_are_refused() {
        assert_eq!(
            flaw(&[("page", "{% layout 'a' %}"), ("a", "{% layout 'b' %}"), ("b", "{% layout 'a' %}")]),
            "`a.liquid`: is a layout of itself"
        );
        assert_eq!(
            flaw(&[("page", "{% include 'a' %}"), ("a", "{% render 'page' %}")]),
            "`page.liquid`: takes itself in"
        );
        let many: Vec<(String, String)> =
            (0..40).map(|i| (format!("p{i}"), format!("{{% include 'p{}' %}}", i + 1))).collect();
        let mut pages: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        pages.push(("page", "{% include 'p0' %}"));
        assert!(flaw(&pages).contains("more than 32 templates"));
    }

    #[test]
    fn a_letter_cannot_be_longer_than_the_sheet() {
        let page = "{% for i in (1..100000) %}aaaaaaaaaa{% endfor %}";
        let mut sheet = Sheet::default();
        let written = compiled(&[("page", page)]).unwrap().render_to(&mut sheet, &Values(liquid::Object::new()));
        assert!(written.is_err() && sheet.is_full());
    }
}

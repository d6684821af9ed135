//! From a letter's template and values to its subject and its two texts.
//!
//! Which template: the operator's in the nearest language (`<name>.<language>.liquid`), the operator's
//! (`<name>.liquid`), the built-in one. The text beside the page is `<name>.txt.liquid`, chosen the same way.
//! Absent: headers and sending.

mod compose;
mod library;
mod page;
mod plain;
#[cfg(test)]
mod tests;
mod values;

use super::{
    language::ranges,
    project::{Project, one_line},
    spool::Waiting,
    words::{Kind, Words},
};
use compose::Flaw;
use library::Library;
use liquid::{Object, model::Value};
use std::path::PathBuf;
use values::Values;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

pub(super) struct Templates(Library);

impl Templates {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Library::new(folder))
    }

    /// Writes a letter.
    ///
    /// # Errors
    /// The reason, for the operator. It holds no value of the letter's.
    pub(super) fn write(&self, letter: &Waiting, project: &Project) -> Result<Written, String> {
        let tags = [letter.language.as_deref(), project.language.as_deref()];
        let words = Words::nearest(tags.into_iter().flatten());
        let kind = Kind::named(&letter.template);
        let subject = match kind {
            Some(kind) => words.phrases(kind).subject.to_owned(),
            None => own_subject(letter).unwrap_or_else(|| project.name.clone()),
        };
        let values = values(letter, project, words, &subject);
        let told = |flaw: Flaw| flaw.to_string();
        let name = letter.template.as_str();
        let html = self.0.render(&self.page(name, "", tags), name, &values).map_err(told)?;
        let plain = format!("{name}.txt");
        let page = self.page(name, ".txt", tags);
        let text = if kind.is_none() && !self.0.has(&page) {
            plain::text(&html)
        } else {
            self.0.render(&page, &plain, &values).map_err(told)?
        };
        Ok(Written { subject, text: text.trim().to_owned(), html })
    }

    /// The name of the page to use: the letter's language first, then the one without a language, then the project's
    /// language. A letter without a language is in the project's.
    fn page(&self, name: &str, form: &str, [language, default]: [Option<&str>; 2]) -> String {
        let in_language = |tag: Option<&str>| {
            let pages = tag.map(ranges).unwrap_or_default().into_iter().map(|range| format!("{name}.{range}{form}"));
            pages.collect::<Vec<_>>()
        };
        let plain = format!("{name}{form}");
        let mut pages = in_language(language.or(default));
        pages.push(plain.clone());
        pages.extend(in_language(default));
        pages.into_iter().find(|page| self.0.has(page)).unwrap_or(plain)
    }
}

/// A letter of the operator's own brings its subject along.
fn own_subject(letter: &Waiting) -> Option<String> {
    let (_, subject) = letter.values.iter().find(|(name, _)| name == "subject")?;
    Some(one_line(subject)).filter(|subject| !subject.is_empty())
}

/// What templates call by name. The names are Directus's; `lang`, `subject` and `words` are ours.
fn values(letter: &Waiting, project: &Project, words: &Words, subject: &str) -> Values {
    let text = |text: &str| Value::scalar(text.to_owned());
    let optional = |value: &Option<String>| value.as_deref().map_or(Value::Nil, text);
    let mut values = Object::new();
    for (name, value) in &letter.values {
        values.insert(name.clone().into(), text(value));
    }
    if let Some(kind) = Kind::named(&letter.template) {
        let phrases = words.phrases(kind);
        let body = phrases.body.replace("{project}", &project.name);
        let words = [
            ("heading", phrases.heading),
            ("body", &body),
            ("button", phrases.button),
            ("note", phrases.note),
            ("hint", words.hint),
            ("ink", project.ink()),
        ];
        let words: Object = words.into_iter().map(|(name, value)| (name.into(), text(value))).collect();
        values.insert("words".into(), Value::Object(words));
    }
    let same = [
        ("lang", text(words.tag)),
        ("subject", text(subject)),
        ("projectName", text(&project.name)),
        ("projectColor", text(&project.color)),
        ("projectLogo", optional(&project.logo)),
        ("projectUrl", optional(&project.url)),
    ];
    values.extend(same.map(|(name, value)| (name.into(), value)));
    Values(values)
}

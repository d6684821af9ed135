//! From the library's words about an invalid document to those of graphql-js, which clients and their tests know.
//!
//! Pure. A message that is not known here passes as it is: less familiar, but true. Deliberately absent: finding mistakes.

use super::{invalid::Invalid, suggest::did_you_mean};
use async_graphql::{
    Pos, ServerError,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
    registry::{MetaType, Registry},
};

const UNKNOWN_FIELD: &str = "Unknown field \"{}\" on type \"{}\".{}";

/// Puts a mistake that the library found into the words of graphql-js; `None` for one that graphql-js does not see: of a
/// value without fields it says so once, not for each field that is asked for.
pub(super) fn reword(error: &ServerError, document: &ExecutableDocument, registry: &Registry) -> Option<Invalid> {
    let about = About { message: &error.message, places: &error.locations, document, registry };
    if let Some([_, owner, _]) = about.captures(UNKNOWN_FIELD)
        && registry.types.get(owner).is_some_and(MetaType::is_leaf)
    {
        return None;
    }
    let known = about
        .field()
        .or_else(|| about.argument())
        .or_else(|| about.value())
        .or_else(|| about.fragment())
        .or_else(|| about.rest());
    Some(known.unwrap_or_else(|| {
        let stop = if error.message.ends_with('.') { "" } else { "." };
        Invalid::new(format!("{}{stop}", error.message), &error.locations)
    }))
}

struct About<'a> {
    message: &'a str,
    places: &'a [Pos],
    document: &'a ExecutableDocument,
    registry: &'a Registry,
}

impl About<'_> {
    fn field(&self) -> Option<Invalid> {
        if let Some([field, owner, _]) = self.captures(UNKNOWN_FIELD) {
            let names = self.registry.types.get(owner).and_then(MetaType::fields);
            let names = names.into_iter().flat_map(|fields| fields.keys()).map(String::as_str);
            let near = did_you_mean("", field, names);
            return self.say(format!("Cannot query field \"{field}\" on type \"{owner}\".{near}"));
        }
        if let Some([field, kind]) =
            self.captures("Field \"{}\" must not have a selection since type \"{}\" has no subfields")
        {
            let said = format!("Field \"{field}\" must not have a selection since type \"{kind}\" has no subfields.");
            return Some(Invalid::new(said, &self.selection_place()));
        }
        let [field, kind] = self.captures("Field \"{}\" of type \"{}\" must have a selection of subfields")?;
        let near = format!("Did you mean \"{field} {{ ... }}\"?");
        self.say(format!("Field \"{field}\" of type \"{kind}\" must have a selection of subfields. {near}"))
    }

    fn argument(&self) -> Option<Invalid> {
        if let Some([name, field, owner, _]) =
            self.captures("Unknown argument \"{}\" on field \"{}\" of type \"{}\".{}")
        {
            let arguments =
                self.registry.types.get(owner).and_then(MetaType::fields).and_then(|fields| fields.get(field));
            let names = arguments.into_iter().flat_map(|field| field.args.keys()).map(String::as_str);
            let near = did_you_mean("", name, names);
            return self.say(format!("Unknown argument \"{name}\" on field \"{owner}.{field}\".{near}"));
        }
        if let Some([name, directive, _]) = self.captures("Unknown argument \"{}\" on directive \"{}\".{}") {
            return self.say(format!("Unknown argument \"{name}\" on directive \"@{directive}\"."));
        }
        if let Some([directive, name, kind]) =
            self.captures("Directive \"@{}\" argument \"{}\" of type \"{}\" is required but not provided")
        {
            let required = "is required, but it was not provided.";
            return self.say(format!("Directive \"@{directive}\" argument \"{name}\" of type \"{kind}\" {required}"));
        }
        if let Some([field, name, owner]) =
            self.captures("Field \"{}\" argument \"{}\" of type \"{}\" is required but not provided")
        {
            // The library names the type that the field is of.
            let known = self.registry.types.get(owner).and_then(MetaType::fields).and_then(|fields| fields.get(field));
            let kind = known.and_then(|field| field.args.get(name)).map_or("", |argument| argument.ty.as_str());
            let required = "is required, but it was not provided.";
            return self.say(format!("Field \"{field}\" argument \"{name}\" of type \"{kind}\" {required}"));
        }
        let [name] = self.captures("There can only be one argument named \"{}\"")?;
        self.say(format!("There can be only one argument named \"{name}\"."))
    }

    fn value(&self) -> Option<Invalid> {
        let [_, wrong] = self.captures("Invalid value for argument \"{}\", {}")?;
        let found = self.places.first().and_then(|place| argument_at(self.document, *place));
        let places = found.as_ref().map_or_else(|| self.places.to_vec(), |(place, _)| vec![*place]);
        let about = About { message: wrong, places: &places, ..*self };
        if let Some([kind, value]) = about.captures("enumeration type \"{}\" does not contain the value \"{}\"") {
            let names = match self.registry.types.get(kind) {
                Some(MetaType::Enum { enum_values, .. }) => Some(enum_values.keys()),
                _ => None,
            };
            let near = did_you_mean("the enum value ", value, names.into_iter().flatten().map(String::as_str));
            return about.say(format!("Value \"{value}\" does not exist in \"{kind}\" enum.{near}"));
        }
        if let Some([kind]) = about.captures("expected type \"{}\"") {
            return about.say(unfit(kind, found.as_ref().map_or("null", |(_, shown)| shown)));
        }
        if let Some([field, owner]) = about.captures("unknown field \"{}\" of type \"{}\"") {
            return about.say(format!("Field \"{field}\" is not defined by type \"{owner}\"."));
        }
        let [field, kind] = about.captures("field \"{}\" of type \"{}\" is required but not provided")?;
        about.say(format!("Field \"{field}\" of required type \"{kind}\" was not provided."))
    }

    fn fragment(&self) -> Option<Invalid> {
        let [name] = self.captures("Unknown fragment: \"{}\"")?;
        let mut place = None;
        each_selection(self.document, &mut |selection| {
            if let Selection::FragmentSpread(spread) = selection
                && spread.node.fragment_name.node == *name
            {
                place = place.or(Some(spread.node.fragment_name.pos));
            }
        });
        let places = place.map_or_else(|| self.places.to_vec(), |place| vec![place]);
        Some(Invalid::new(format!("Unknown fragment \"{name}\"."), &places))
    }

    fn rest(&self) -> Option<Invalid> {
        const REST: [(&str, &str); 12] = [
            (
                "Variable \"${}\" is not defined by operation \"{}\"",
                "Variable \"${}\" is not defined by operation \"{}\".",
            ),
            ("Variable \"${}\" is not used by operation \"{}\"", "Variable \"${}\" is never used in operation \"{}\"."),
            ("Variable \"${}\" is not used", "Variable \"${}\" is never used."),
            ("There can only be one variable named \"${}\"", "There can be only one variable named \"${}\"."),
            ("Variable \"{}\" cannot be of non-input type \"{}\"", "Variable \"${}\" cannot be non-input type \"{}\"."),
            (
                "Variable \"{}\" of type \"{}\" used in position expecting type \"{}\"",
                "Variable \"${}\" of type \"{}\" used in position expecting type \"{}\".",
            ),
            ("Unknown directive \"{}\"", "Unknown directive \"@{}\"."),
            ("Directive \"{}\" may not be used on \"{}\"", "Directive \"@{}\" may not be used on {}."),
            ("Duplicate directive \"{}\"", "The directive \"@{}\" can only be used once at this location."),
            (
                "Fragment \"{}\" cannot condition non composite type \"{}\"",
                "Fragment \"{}\" cannot condition on non composite type \"{}\".",
            ),
            (
                "Fragment cannot condition non composite type \"{}\"",
                "Fragment cannot condition on non composite type \"{}\".",
            ),
            ("Invalid default value for argument: {}", "Invalid default value: {}."),
        ];
        REST.iter().find_map(|(theirs, ours)| {
            let words = captures(self.message, theirs)?;
            self.say(words.iter().fold((*ours).to_owned(), |said, word| said.replacen("{}", word, 1)))
        })
    }

    fn captures<const COUNT: usize>(&self, template: &str) -> Option<[&str; COUNT]> {
        captures(self.message, template)?.try_into().ok()
    }

    #[expect(clippy::unnecessary_wraps, reason = "ends functions that answer an option")]
    fn say(&self, message: String) -> Option<Invalid> {
        Some(Invalid::new(message, self.places))
    }

    /// Where the selection of the field begins that the mistake is about.
    fn selection_place(&self) -> Vec<Pos> {
        let wanted = self.places.first().copied();
        let mut found = None;
        each_selection(self.document, &mut |selection| {
            if let Selection::Field(field) = selection
                && Some(field.pos) == wanted
            {
                found = Some(field.node.selection_set.pos);
            }
        });
        found.map_or_else(|| self.places.to_vec(), |place| vec![place])
    }
}

/// What stands where a template has `{}`; `None` for another text.
fn captures<'a>(text: &'a str, template: &str) -> Option<Vec<&'a str>> {
    let mut pieces = template.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    for piece in pieces {
        let end = if piece.is_empty() { rest.len() } else { rest.find(piece)? };
        found.push(rest.get(..end)?);
        rest = rest.get(end + piece.len()..)?;
    }
    rest.is_empty().then_some(found)
}

/// What graphql-js says of a value of another type.
fn unfit(kind: &str, shown: &str) -> String {
    let wanted = match kind {
        "String" => "a non string value",
        "Boolean" => "a non boolean value",
        "Int" => "non-integer value",
        "Float" => "non numeric value",
        "ID" => "a non-string and non-integer value",
        _ => "",
    };
    if wanted.is_empty() || shown == "null" {
        return format!("Expected value of type \"{kind}\", found {shown}.");
    }
    format!("{kind} cannot represent {wanted}: {shown}")
}

/// The value of the argument whose name begins at `place`: where it begins, and how it is written.
fn argument_at(document: &ExecutableDocument, place: Pos) -> Option<(Pos, String)> {
    let mut found = None;
    each_selection(document, &mut |selection| {
        let of_directives = selection.directives().iter().map(|directive| &directive.node.arguments);
        let own = if let Selection::Field(field) = selection { Some(&field.node.arguments) } else { None };
        for (name, value) in of_directives.chain(own).flatten() {
            if name.pos == place {
                found = Some((value.pos, value.node.to_string()));
            }
        }
    });
    found
}

fn each_selection<'a>(document: &'a ExecutableDocument, visit: &mut impl FnMut(&'a Selection)) {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).for_each(|selections| visit_all(selections, visit));
}

fn visit_all<'a>(selections: &'a SelectionSet, visit: &mut impl FnMut(&'a Selection)) {
    for selection in &selections.items {
        visit(&selection.node);
        match &selection.node {
            Selection::Field(field) => visit_all(&field.node.selection_set.node, visit),
            Selection::InlineFragment(fragment) => visit_all(&fragment.node.selection_set.node, visit),
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_a_text_apart() {
        assert_eq!(captures("a \"b\" c", "a \"{}\" c"), Some(vec!["b"]));
        assert_eq!(captures("a \"b\" c.d", "a \"{}\" c{}"), Some(vec!["b", ".d"]));
        assert_eq!(captures("a \"b\" d", "a \"{}\" c"), None);
        assert_eq!(captures("a \"b\" c d", "a \"{}\" c"), None);
    }

    #[test]
    fn a_value_of_another_type_is_shown() {
        assert_eq!(unfit("String", "5"), "String cannot represent a non string value: 5");
        assert_eq!(unfit("String", "null"), "Expected value of type \"String\", found null.");
        assert_eq!(unfit("JSON", "\"a\""), "Expected value of type \"JSON\", found \"a\".");
    }
}

//! A document that may be executed: which operation is meant, and that it costs no more than an answer is worth.
//!
//! Runs before the library validates, whose checks take exponential time on fragments that use each other. Invariants: every
//! limit holds with all fragments in place; operations that take a password, a token or a code are executed once, so that one
//! request is one guess. Deliberately absent: types, which the schema knows.

use super::{invalid::Invalid, request::Request, syntax};
use async_graphql::{
    Pos, Positioned,
    parser::{
        self,
        types::{
            DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
        },
    },
};
use std::collections::HashMap;

/// Fields that a document may ask for, all fragments in place. `GraphiQL`'s query for the whole schema asks for 250.
pub(super) const FIELDS_MAX: usize = 1000;

/// Fields within fields. `GraphiQL`'s query for the whole schema goes 15 deep, for lists of lists of types.
pub(super) const DEPTH_MAX: usize = 24;

/// Operations in one document: a page that shows a person, their role and the project needs three. Each may read the
/// database.
const ROOTS_MAX: usize = 20;

/// Operations that a document may use once. Each takes a secret that could be guessed or sends mail.
const SINGLE_USE: [&str; 13] = [
    "auth_login",
    "auth_refresh",
    "auth_logout",
    "auth_password_request",
    "auth_password_reset",
    "users_me_tfa_generate",
    "users_me_tfa_enable",
    "users_me_tfa_disable",
    "users_invite",
    "users_invite_accept",
    "users_register",
    "users_register_verify",
    "update_users_me",
];

/// A document with the operation that is meant.
pub(super) struct Document {
    pub(super) parsed: ExecutableDocument,
    /// What it asks for at the top, all fragments in place: name in the answer and name of the field.
    pub(super) roots: Vec<(String, String)>,
    pub(super) kind: OperationType,
}

impl Document {
    /// Reads the document of a request.
    pub(super) fn read(request: &Request, introspection: bool) -> Result<Self, Vec<Invalid>> {
        let parsed = parse(&request.document)?;
        let reader = Reader { document: &parsed };
        reader.no_cycles()?;
        let operation = reader.operation(request.operation.as_deref())?;
        let sizes = reader.sizes()?;
        reader.within_limits(&operation.node, &sizes)?;
        reader.has_variables(&operation.node, request)?;
        if !introspection {
            reader.asks_for_no_schema(&operation.node.selection_set.node)?;
        }
        let mut roots = Vec::new();
        reader.roots(&operation.node.selection_set.node, &mut roots);
        if roots.len() > ROOTS_MAX {
            return Err(vec![Invalid::new(
                format!("The document has more than {ROOTS_MAX} operations."),
                &[operation.pos],
            )]);
        }
        once(&roots)?;
        let named =
            |field: &&Positioned<Field>| (field.node.response_key().node.to_string(), field.node.name.node.to_string());
        let (roots, kind) = (roots.iter().map(named).collect(), operation.node.ty);
        Ok(Self { parsed, roots, kind })
    }
}

fn parse(text: &str) -> Result<ExecutableDocument, Vec<Invalid>> {
    let syntax = |reason: &str, place| vec![Invalid::new(format!("Syntax Error: {reason}"), &[place])];
    syntax::check(text).map_err(|error| syntax(&error.reason, error.place))?;
    parser::parse_query(text).map_err(|error| match error {
        parser::Error::MultipleOperations { anonymous, .. } => {
            let message = "This anonymous operation must be the only defined operation.";
            vec![Invalid::new(message.to_owned(), &[anonymous])]
        }
        parser::Error::OperationDuplicated { operation, first, second } => {
            vec![Invalid::new(format!("There can be only one operation named \"{operation}\"."), &[first, second])]
        }
        parser::Error::FragmentDuplicated { fragment, first, second } => {
            vec![Invalid::new(format!("There can be only one fragment named \"{fragment}\"."), &[first, second])]
        }
        parser::Error::MissingOperation => vec![Invalid::new("Must provide an operation.".to_owned(), &[])],
        parser::Error::Syntax { start, .. } => syntax("The document cannot be read.", start),
        other => vec![Invalid::new(format!("Syntax Error: {other}"), &[])],
    })
}

/// How much a selection asks for.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: usize,
    depth: usize,
}

/// The sizes of fragments by name.
type Sizes<'a> = HashMap<&'a str, Size>;

struct Reader<'a> {
    document: &'a ExecutableDocument,
}

impl<'a> Reader<'a> {
    fn fragment(&self, name: &str) -> Option<&'a SelectionSet> {
        self.document.fragments.get(name).map(|fragment| &fragment.node.selection_set.node)
    }

    /// Refuses fragments that contain themselves.
    fn no_cycles(&self) -> Result<(), Vec<Invalid>> {
        let mut names: Vec<_> = self.document.fragments.iter().map(|(name, fragment)| (fragment.pos, name)).collect();
        names.sort_unstable_by_key(|(place, _)| *place);
        let mut done = Vec::new();
        for (_, name) in names {
            self.unwind(name, &mut vec![name], &mut done)?;
        }
        Ok(())
    }

    /// Follows the fragments that `name` uses; `path` are those that are being followed.
    fn unwind(&self, name: &'a str, path: &mut Vec<&'a str>, done: &mut Vec<&'a str>) -> Result<(), Vec<Invalid>> {
        if done.contains(&name) {
            return Ok(());
        }
        let mut spreads = Vec::new();
        self.fragment(name).into_iter().for_each(|selections| spreads_of(selections, &mut spreads));
        for (spread, place) in spreads {
            if let Some(start) = path.iter().position(|other| *other == spread) {
                let via: Vec<_> = path.iter().skip(start + 1).map(|name| format!("\"{name}\"")).collect();
                let via = if via.is_empty() { String::new() } else { format!(" via {}", via.join(", ")) };
                return Err(vec![Invalid::new(
                    format!("Cannot spread fragment \"{spread}\" within itself{via}."),
                    &[place],
                )]);
            }
            if path.len() > DEPTH_MAX {
                return Err(vec![too_deep(place)]);
            }
            path.push(spread);
            self.unwind(spread, path, done)?;
            path.pop();
        }
        done.push(name);
        Ok(())
    }

    /// The size of every fragment. Only after [`Self::no_cycles`]: the depth of this calls is that of the document.
    fn sizes(&self) -> Result<Sizes<'a>, Vec<Invalid>> {
        let mut sizes = Sizes::new();
        for (name, fragment) in &self.document.fragments {
            let size = self.size(&fragment.node.selection_set.node, &mut sizes);
            if size.depth > DEPTH_MAX {
                return Err(vec![too_deep(fragment.pos)]);
            }
            sizes.insert(name.as_str(), size);
        }
        Ok(sizes)
    }

    fn size(&self, selections: &'a SelectionSet, sizes: &mut Sizes<'a>) -> Size {
        let mut sum = Size::default();
        for selection in &selections.items {
            let one = match &selection.node {
                Selection::Field(field) => {
                    let inner = self.size(&field.node.selection_set.node, sizes);
                    Size { fields: inner.fields.saturating_add(1), depth: inner.depth + 1 }
                }
                Selection::InlineFragment(fragment) => self.size(&fragment.node.selection_set.node, sizes),
                Selection::FragmentSpread(spread) => self.spread_size(&spread.node.fragment_name.node, sizes),
            };
            sum = Size { fields: sum.fields.saturating_add(one.fields), depth: sum.depth.max(one.depth) };
        }
        sum
    }

    fn spread_size(&self, name: &'a str, sizes: &mut Sizes<'a>) -> Size {
        if let Some(size) = sizes.get(name) {
            return *size;
        }
        let size = self.fragment(name).map_or_else(Size::default, |selections| self.size(selections, sizes));
        sizes.insert(name, size);
        size
    }

    fn operation(&self, name: Option<&str>) -> Result<&'a Positioned<OperationDefinition>, Vec<Invalid>> {
        let refused = |message: String| vec![Invalid::new(message, &[])];
        let operation = match (&self.document.operations, name) {
            (DocumentOperations::Single(one), None) => one,
            (DocumentOperations::Multiple(named), None) if named.len() == 1 => {
                named.values().next().ok_or_else(|| refused("Must provide an operation.".to_owned()))?
            }
            (DocumentOperations::Multiple(_), None) => {
                let message = "Must provide operation name if query contains multiple operations.";
                return Err(refused(message.to_owned()));
            }
            (DocumentOperations::Single(_), Some(name)) => {
                return Err(refused(format!("Unknown operation named \"{name}\".")));
            }
            (DocumentOperations::Multiple(named), Some(name)) => {
                named.get(name).ok_or_else(|| refused(format!("Unknown operation named \"{name}\".")))?
            }
        };
        if operation.node.ty == OperationType::Subscription {
            let message = "Schema is not configured to execute subscription operation.";
            return Err(vec![Invalid::new(message.to_owned(), &[operation.pos])]);
        }
        Ok(operation)
    }

    fn within_limits(&self, operation: &'a OperationDefinition, sizes: &Sizes<'a>) -> Result<(), Vec<Invalid>> {
        let selections = &operation.selection_set;
        let size = self.size(&selections.node, &mut sizes.clone());
        if size.depth > DEPTH_MAX {
            return Err(vec![too_deep(selections.pos)]);
        }
        if size.fields > FIELDS_MAX {
            let message = format!("The document asks for more than {FIELDS_MAX} fields.");
            return Err(vec![Invalid::new(message, &[selections.pos])]);
        }
        Ok(())
    }

    /// Whether every variable that must have a value has one.
    #[expect(clippy::unused_self, reason = "reads as its neighbours do")]
    fn has_variables(&self, operation: &OperationDefinition, request: &Request) -> Result<(), Vec<Invalid>> {
        let missing = operation.variable_definitions.iter().filter_map(|variable| {
            let (name, kind) = (&variable.node.name.node, &variable.node.var_type.node);
            let message = match request.variables.get(name.as_str()) {
                _ if kind.nullable => return None,
                None if variable.node.default_value.is_some() => return None,
                None => format!("Variable \"${name}\" of required type \"{kind}\" was not provided."),
                Some(value) if value.is_null() => {
                    format!("Variable \"${name}\" of non-null type \"{kind}\" must not be null.")
                }
                Some(_) => return None,
            };
            Some(Invalid::new(message, &[variable.pos]))
        });
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    fn asks_for_no_schema(&self, selections: &'a SelectionSet) -> Result<(), Vec<Invalid>> {
        let mut fields = Vec::new();
        self.roots(selections, &mut fields);
        match fields.iter().find(|field| matches!(field.node.name.node.as_str(), "__schema" | "__type")) {
            None => Ok(()),
            Some(field) => {
                let (name, off) = (&field.node.name.node, "GraphQL introspection has been disabled");
                let message = format!("{off}, but the requested query contained the field \"{name}\".");
                Err(vec![Invalid::new(message, &[field.pos])])
            }
        }
    }

    /// The fields at the top of a selection, all fragments in place.
    fn roots(&self, selections: &'a SelectionSet, roots: &mut Vec<&'a Positioned<Field>>) {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => roots.push(field),
                Selection::InlineFragment(fragment) => self.roots(&fragment.node.selection_set.node, roots),
                Selection::FragmentSpread(spread) => {
                    if let Some(selections) = self.fragment(&spread.node.fragment_name.node) {
                        self.roots(selections, roots);
                    }
                }
            }
        }
    }
}

/// The fragments that a selection names, with places.
fn spreads_of<'a>(selections: &'a SelectionSet, spreads: &mut Vec<(&'a str, Pos)>) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => spreads_of(&field.node.selection_set.node, spreads),
            Selection::InlineFragment(fragment) => spreads_of(&fragment.node.selection_set.node, spreads),
            Selection::FragmentSpread(spread) => spreads.push((spread.node.fragment_name.node.as_str(), selection.pos)),
        }
    }
}

fn too_deep(place: Pos) -> Invalid {
    Invalid::new(format!("The document is nested deeper than {DEPTH_MAX} levels."), &[place])
}

/// Refuses the second use of an operation that may be used once.
fn once(roots: &[&Positioned<Field>]) -> Result<(), Vec<Invalid>> {
    let again = SINGLE_USE.iter().filter_map(|name| {
        let second = roots.iter().filter(|field| field.node.name.node == **name).nth(1)?;
        Some(Invalid::new(format!("\"{name}\" can only be used once per request"), &[second.pos]))
    });
    let again: Vec<_> = again.collect();
    if again.is_empty() { Ok(()) } else { Err(again) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(document: &str) -> Request {
        let variables = json!({ "x": 1, "n": null }).as_object().cloned().unwrap();
        Request { document: document.to_owned(), variables, operation: None, is_safe: false }
    }

    fn refused(document: &str) -> String {
        let Err(errors) = Document::read(&request(document), false) else { return String::new() };
        let told = |error: &Invalid| error.to_json().to_string();
        errors.iter().map(told).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_roots_are_found_with_all_fragments_in_place() {
        let document =
            "query A { x: server_ping ...F ... on Query { roles { id } } } fragment F on Query { users_me { id } }";
        let document = Document::read(&request(document), true).unwrap_or_else(|errors| panic!("{errors:?}"));
        let named = |(key, name): &(String, String)| format!("{key}={name}");
        let roots: Vec<_> = document.roots.iter().map(named).collect();
        assert_eq!(roots, ["x=server_ping", "users_me=users_me", "roles=roles"]);
        assert_eq!(document.kind, OperationType::Query);
    }

    #[test]
    fn one_request_is_one_guess() {
        let twice = "mutation{a:auth_login(email:\"user@example.com\",password:\"x\"){access_token} b:auth_login(email:\"user@example.com\",password:\"y\"){access_token}}";
        assert_eq!(
            refused(twice),
            r#"{"message":"\"auth_login\" can only be used once per request","locations":[{"line":1,"column":76}]}"#
        );
        let hidden = "mutation{auth_logout ...F} fragment F on Mutation{... on Mutation{x:auth_logout}}";
        assert!(refused(hidden).contains("can only be used once"));
        assert_eq!(refused("mutation{auth_logout auth_refresh{expires}}"), "");
    }

    #[test]
    fn an_operation_has_to_be_meant() {
        let with = |document: &str, operation: Option<&str>| {
            let request = Request { operation: operation.map(str::to_owned), ..request(document) };
            Document::read(&request, false).map(|document| document.kind).map_err(|errors| errors[0].message.clone())
        };
        assert_eq!(with("query A{a} mutation B{b}", Some("B")), Ok(OperationType::Mutation));
        assert_eq!(with("query A{a}", None), Ok(OperationType::Query));
        let several = "Must provide operation name if query contains multiple operations.";
        assert_eq!(with("query A{a} mutation B{b}", None), Err(several.to_owned()));
        assert_eq!(with("query A{a}", Some("C")), Err("Unknown operation named \"C\".".to_owned()));
        assert_eq!(with("fragment F on Q{a}", None), Err("Must provide an operation.".to_owned()));
        assert!(with("subscription {a}", None).unwrap_err().contains("subscription"));
    }

    #[test]
    fn variables_that_must_be_there_are_asked_for() {
        assert_eq!(refused("query($x:Int!,$y:Int,$z:Int!=1){a}"), "");
        assert!(
            refused("query($y:Int!){a}").contains(r#"Variable \"$y\" of required type \"Int!\" was not provided."#)
        );
        assert!(
            refused("query($n:Int!){a}").contains(r#"Variable \"$n\" of non-null type \"Int!\" must not be null."#)
        );
    }

    #[test]
    fn fragments_may_neither_contain_themselves_nor_blow_up() {
        assert!(refused("{...A} fragment A on Q{...A}").contains(r#"Cannot spread fragment \"A\" within itself."#));
        let loops = refused("{...A} fragment A on Q{a{...B}} fragment B on Q{...C} fragment C on Q{...A}");
        assert!(loops.contains(r#"Cannot spread fragment \"A\" within itself via \"B\", \"C\"."#), "{loops}");
        let chain = |count: usize, link: &dyn Fn(usize) -> String| {
            (0..count)
                .map(|level| format!("fragment F{level} on Q{{{}}} ", link(level + 1)))
                .collect::<Vec<_>>()
                .concat()
        };
        let doubling = chain(20, &|next| format!("...F{next} ...F{next}"));
        let blown = refused(&format!("{{...F0}} {doubling} fragment F20 on Q{{a}}"));
        assert!(blown.contains("more than 1000 fields"), "{blown}");
        let deep = format!("{}a{}", "{a".repeat(30), "}".repeat(30));
        assert!(refused(&deep).contains("deeper than 24"));
        let chained = chain(60, &|next| format!("a{{...F{next}}}"));
        assert!(refused(&format!("{{...F0}} {chained} fragment F60 on Q{{a}}")).contains("deeper than 24"));
        assert!(refused(&format!("{{{}}}", "a ".repeat(21))).contains("more than 20 operations"));
    }

    #[test]
    fn the_schema_can_be_kept_to_oneself() {
        assert!(refused("{__schema{types{name}}}").contains("GraphQL introspection has been disabled"));
        assert!(
            refused("{...F} fragment F on Query{__type(name:\"Query\"){name}}").contains(r#"the field \"__type\""#)
        );
        assert!(Document::read(&request("{__schema{types{name}}}"), true).is_ok());
    }
}

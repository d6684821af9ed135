//! XML as far as SAML needs it: one parser, one tree that everything is read from, and its canonical form.
//!
//! The only module that names the library below it. Before that sees a text, [`outline`] has walked it once without memory:
//! size, depth, number of tags, and markup that no message has (comments, CDATA, processing instructions, document types).
//! So no two readers can see a text differently because of a comment, and nothing is expanded. Absent: changing a tree.

mod outline;

use crate::{Refusal, names::Name, refusal::refused, text::shown};
use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};
pub(crate) use outline::Markup;
use xml_sec::{
    Document, Node, NodeId, NodeType, ParsingOptions,
    c14n::{C14nAlgorithm, C14nMode, canonicalize},
};

/// Longest message, in bytes. Hundreds of groups take 100 KiB.
pub const MOST_BYTES: usize = 256 * 1024;

/// Longest metadata, in bytes. A provider's own has 20 KiB; a federation's with hundreds of providers does not fit, and its
/// operator has an address for each.
pub const MOST_BYTES_OF_METADATA: usize = 1024 * 1024;

/// Most nodes of a tree: an attribute value with its text is two.
const MOST_NODES: u32 = 20_000;

/// Most prefixes that a signature names for its canonical form: signers name two or three.
const MOST_PREFIXES: usize = 32;

/// Attributes that name an element. Two elements of one name are refused, whoever of those that look at it knows which.
const IDS: [&str; 5] = ["ID", "Id", "id", "iD", "AssertionID"];

/// A text that was parsed.
pub struct Tree<'t>(Document<'t>);

impl<'t> Tree<'t> {
    /// Reads a message.
    pub fn message(text: &'t str) -> Result<Self, Refusal> {
        Self::read(text, MOST_BYTES, Markup::Forbidden)
    }

    /// Reads a document that people write, which may have comments.
    pub fn document(text: &'t str) -> Result<Self, Refusal> {
        Self::read(text, MOST_BYTES_OF_METADATA, Markup::Comments)
    }

    fn read(text: &'t str, most_bytes: usize, markup: Markup) -> Result<Self, Refusal> {
        outline::check(text, most_bytes, markup)?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES };
        let broken = |error| Refusal::Refused(format!("it is not well-formed XML: {}", shown(&format!("{error}"))));
        let tree = Self(Document::parse_with_options(text, options).map_err(broken)?);
        tree.check_ids()?;
        Ok(tree)
    }

    /// What is signed is found by its name, so each name is there once, whichever attribute holds it.
    fn check_ids(&self) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for attribute in self.0.descendants().flat_map(Node::attributes) {
            let is_id = IDS.contains(&attribute.name());
            if is_id && !seen.insert(attribute.value()) {
                let id = shown(attribute.value());
                return Err(Refusal::Refused(format!("two elements have the ID `{id}`")));
            }
        }
        Ok(())
    }

    /// The element that holds all others.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element { tree: self, node: self.0.root_element() }
    }
}

/// An element of a tree.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tree: &'a Tree<'a>,
    node: Node<'a, 'a>,
}

impl<'a> Element<'a> {
    pub(crate) fn is(self, name: Name) -> bool {
        self.node.has_tag_name(name)
    }

    /// Its name for people.
    pub(crate) fn called(self) -> String {
        let name = self.node.tag_name();
        format!("{{{}}}{}", shown(name.namespace().unwrap_or_default()), shown(name.name()))
    }

    /// An attribute without a namespace.
    pub(crate) fn attribute(self, name: &str) -> Option<&'a str> {
        self.node.attribute((None, name))
    }

    /// The elements right inside.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        self.node.children().filter(Node::is_element).map(move |node| Self { node, ..self })
    }

    /// Those of a name.
    pub(crate) fn all(self, name: Name) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(name))
    }

    /// The one of a name, if there is one; two are refused.
    pub(crate) fn child(self, name: Name) -> Result<Option<Self>, Refusal> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (found, None) => Ok(found),
            _ => Err(Refusal::Refused(format!("there are two `{}` in {}, expected one", name.1, self.called()))),
        }
    }

    /// The one of a name, which must be there.
    pub(crate) fn expect(self, name: Name) -> Result<Self, Refusal> {
        self.child(name)?.ok_or_else(|| Refusal::Refused(format!("there is no `{}` in {}", name.1, self.called())))
    }

    /// This and all elements inside of it.
    pub(crate) fn within(self) -> impl Iterator<Item = Self> {
        self.node.descendants().filter(Node::is_element).map(move |node| Self { node, ..self })
    }

    /// Its text, which nothing else may stand between.
    pub(crate) fn text(self) -> Result<String, Refusal> {
        let mut text = String::new();
        for child in self.node.children() {
            match child.node_type() {
                NodeType::Text => text.push_str(child.text().unwrap_or_default()),
                // Only documents have comments; those of people are not read around.
                _ => return Err(Refusal::Refused(format!("{} holds more than a text", self.called()))),
            }
        }
        Ok(text.trim().to_string())
    }

    /// The prefixes that are bound here, `""` for none, and what they stand for.
    pub(crate) fn namespaces(self) -> Vec<(&'a str, &'a str)> {
        let bound = self.node.namespaces().map(|one| (one.name().unwrap_or_default(), one.uri()));
        bound.filter(|(prefix, _)| *prefix != "xml").collect()
    }

    /// The canonical form of this element (Exclusive XML Canonicalization 1.0, without comments), without one that is inside.
    pub(crate) fn canonical(self, prefixes: &str, without: Option<Self>) -> Result<Vec<u8>, Refusal> {
        if prefixes.split_ascii_whitespace().count() > MOST_PREFIXES {
            return Err(refused("the signature names more prefixes than any signer does"));
        }
        // In the order of the document, what is inside of an element lies between it and its last descendant.
        let (first, last) = self.extent();
        let left_out = without.map(Self::extent);
        let is_in = |node: Node<'_, '_>| {
            let id = node.id();
            first <= id && id <= last && left_out.is_none_or(|(first, last)| id < first || last < id)
        };
        let method = C14nAlgorithm::new(C14nMode::Exclusive1_0, false).with_prefix_list(prefixes);
        let mut bytes = Vec::new();
        let failed = |error| Refusal::Refused(format!("there is no canonical form: {}", shown(&format!("{error}"))));
        canonicalize(&self.tree.0, Some(&is_in), &method, &mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            return Err(refused("the canonical form is empty"));
        }
        Ok(bytes)
    }

    fn extent(self) -> (NodeId, NodeId) {
        let first = self.node.id();
        (first, self.node.descendants().next_back().map_or(first, Node::id))
    }

    /// Whether two are the same element of the same tree.
    pub(crate) fn is_same(self, other: Self) -> bool {
        core::ptr::eq(self.tree, other.tree) && self.node.id() == other.node.id()
    }
}

#[cfg(test)]
mod tests;

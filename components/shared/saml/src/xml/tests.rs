//! What is parsed, what is not, and canonical forms.

use super::*;
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    Tree::message(text).err().map(|refusal| refusal.to_string()).unwrap_or_default()
}

#[test]
fn what_no_message_has_is_refused_by_name() {
    for (text, why) in [
        ("<!DOCTYPE a><a/>", "it holds a document type, which is not read"),
        ("<a><!-- b --></a>", "it holds a comment, which is not read"),
        ("<a><![CDATA[b]]></a>", "it holds a CDATA section, which is not read"),
        ("<a><?b c?></a>", "it holds a processing instruction, which is not read"),
        ("<?xml version=\"1.0\"?><?b?><a/>", "it holds a processing instruction, which is not read"),
        ("<!ENTITY a><a/>", "it holds a document type, which is not read"),
        ("<a ID='x'><b Id='x'/></a>", "two elements have the ID `x`"),
        ("<a id='x'><b xml:id='x'/></a>", "two elements have the ID `x`"),
    ] {
        assert_eq!(refusal(text), why, "{text}");
    }
    for text in
        ["", "a", "<a>", "<a></b>", "<a/><b/>", "<a b='1' b='2'/>", "<a>&b;</a>", "<p:a/>", "<a b=\"<\"/>", "<a/>x"]
    {
        assert!(refusal(text).starts_with("it is not well-formed XML: "), "{text}: {}", refusal(text));
    }
    let attributes = "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>";
    assert!(refusal(attributes).starts_with("it is not well-formed XML: "), "{}", refusal(attributes));
}

#[test]
fn size_depth_and_number_have_an_end() {
    let deep = |depth: usize| ["<a>".repeat(depth), "</a>".repeat(depth)].concat();
    assert!(Tree::message(&deep(32)).is_ok());
    assert_eq!(refusal(&deep(33)), "it is more than 32 elements deep");
    assert_eq!(refusal(&deep(200_000)), "it has 1400000 bytes, at most 262144 are read");
    assert_eq!(refusal(&["<a>", &"<b/>".repeat(20_000), "</a>"].concat()), "it has more than 20000 tags");
    let hidden = ["<a b='>'>".repeat(33), "</a>".repeat(33)].concat();
    assert_eq!(refusal(&hidden), "it is more than 32 elements deep");
    assert!(Tree::message(&["<a>", &"<b/>".repeat(9_000), "</a>"].concat()).is_ok());
}

#[test]
fn documents_may_have_comments() {
    let tree = Tree::document("<?xml version='1.0'?><!-- <x> --><a><!-- <b> --><c/></a><?d?>").ok().unwrap();
    assert_eq!(tree.root().children().count(), 1);
    for text in ["<!DOCTYPE a><a/>", "<a><![CDATA[b]]></a>", "<a><!-- b"] {
        assert!(Tree::document(text).is_err(), "{text}");
    }
}

#[test]
fn a_text_is_a_text() {
    let tree = Tree::message("<a><b> x &amp; y </b><c>x<d/>y</c></a>").ok().unwrap();
    let texts: Vec<_> = tree.root().children().map(Element::text).collect();
    assert_eq!(texts[0].as_deref(), Ok("x & y"));
    assert!(texts[1].is_err());
    let tree = Tree::document("<a>admin<!-- x -->@example.com</a>").ok().unwrap();
    assert!(tree.root().text().is_err());
}

#[test]
fn canonical_forms_are_those_of_the_recommendation() {
    let text = "<r xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q'>\r\n<p:a z='1' b=\"2&#10;\" q:c='3'><s/> t </p:a></r>";
    let tree = Tree::message(text).ok().unwrap();
    let element = tree.root().children().next().unwrap();
    let form = |prefixes: &str, without| String::from_utf8(element.canonical(prefixes, without).unwrap()).unwrap();
    assert_eq!(
        form("", None),
        "<p:a xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" b=\"2&#xA;\" z=\"1\" q:c=\"3\"><s xmlns=\"urn:d\"></s> t </p:a>"
    );
    let inner = element.children().next();
    assert_eq!(
        form("#default", inner),
        "<p:a xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" b=\"2&#xA;\" z=\"1\" q:c=\"3\"> t </p:a>"
    );
    assert!(element.canonical(&"p ".repeat(33), None).is_err());
}

#[test]
fn a_relative_namespace_has_no_canonical_form() {
    let tree = Tree::message("<a xmlns:b='1'><b:c/></a>").ok().unwrap();
    assert!(tree.root().canonical("", None).is_err());
}

proptest! {
    #[test]
    fn any_text_is_judged(text: String) {
        let _ = (Tree::message(&text), Tree::document(&text));
    }

    #[test]
    fn what_resembles_xml_is_judged(text in "(<[/!?]?[a-c:]{0,3}( [a-c]='[<>&;x]?')?/?>|[x<>&]|<!--|-->|]]>){0,40}") {
        if let Ok(tree) = Tree::message(&text) {
            let canonical = String::from_utf8(tree.root().canonical("", None).unwrap()).unwrap();
            let again = Tree::message(&canonical).ok().unwrap();
            prop_assert_eq!(again.root().canonical("", None).unwrap(), canonical.as_bytes());
        }
    }
}

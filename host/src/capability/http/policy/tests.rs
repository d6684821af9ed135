//! Who is admitted where.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn egress(urls: &[&str], documents: &[&str]) -> Egress {
    let parse = |texts: &[&str]| texts.iter().map(|text| url(text)).collect::<Vec<_>>();
    Egress::new(&parse(urls), &parse(documents), None)
}

fn denial(egress: &Egress, text: &str) -> Option<Denial> {
    egress.admit(&url(text)).err()
}

/// A provider whose document, at a public host unless told otherwise, says this.
fn discovered(document: &str, json: &str, nearby: bool) -> Egress {
    let mut egress = egress(&[], &[document]);
    egress.learn(0, json.as_bytes(), nearby);
    egress
}

#[test]
fn a_configured_origin_is_reached_on_every_path() {
    let egress = egress(&["https://id.example.com/token"], &[]);
    for address in [
        "https://id.example.com/token",
        "https://id.example.com/",
        "https://ID.example.com:443/x?y",
        "https://id.example.com./",
    ] {
        assert_eq!(denial(&egress, address), None, "{address}");
    }
}

#[test]
fn another_scheme_host_or_port_is_foreign() {
    let egress = egress(&["https://id.example.com/token"], &[]);
    for address in [
        "http://id.example.com/",
        "https://id.example.com:8443/",
        "https://example.com/",
        "https://id.example.com.evil.example/",
        "https://evil.example/id.example.com",
        "https://evil.example/?https://id.example.com",
        "https://93.184.216.34/",
    ] {
        assert_eq!(denial(&egress, address), Some(Denial::Foreign), "{address}");
    }
    assert_eq!(denial(&Egress::new(&[], &[], None), "https://id.example.com/"), Some(Denial::Foreign));
}

#[test]
fn a_user_or_another_scheme_is_no_form_of_request() {
    let egress = egress(&["https://id.example.com"], &[]);
    for address in
        ["https://a@id.example.com/", "https://a:b@id.example.com/", "ftp://id.example.com/", "data:x", "file:///x"]
    {
        assert_eq!(denial(&egress, address), Some(Denial::Form), "{address}");
    }
}

#[test]
fn nobody_is_sent_to_metadata_even_if_configured() {
    for address in [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "http://[64:ff9b::a9fe:a9fe]/",
        // Spellings that libraries understand.
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
    ] {
        let denied = denial(&egress(&[address], &[]), address);
        assert!(matches!(denied, Some(Denial::Never(_))), "{address}: {denied:?}");
    }
    for address in ["http://metadata.google.internal/", "http://metadata.google.internal./", "http://METADATA/"] {
        assert_eq!(denial(&egress(&[address], &[]), address), Some(Denial::Metadata), "{address}");
    }
}

#[test]
fn a_configured_host_may_be_nearby() {
    for address in ["http://127.0.0.1:8080/", "https://10.0.0.1/", "http://localhost:3000/", "http://[::1]/"] {
        assert_eq!(denial(&egress(&[address], &[]), address), None, "{address}");
    }
    let pass = egress(&["https://id.example.com"], &[]).admit(&url("https://id.example.com")).unwrap();
    assert_eq!(pass.check("10.0.0.1".parse().unwrap()), Ok(()));
    let metadata = "169.254.169.254".parse().unwrap();
    assert_eq!(pass.check(metadata), Err(Denial::Never(metadata)), "a name that leads there is checked again");
}

#[test]
fn the_addresses_of_a_document_are_reached() {
    let json = r#"{"issuer": "https://id.example.com", "token_endpoint": "https://api.example.net/token", "n": 1,
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example.com:8443/token"},
        "deep": {"er": {"url": "https://deep.example.com"}}, "claims_supported": ["https://claims.example.com/x"]}"#;
    let egress = discovered("https://id.example.com", json, false);
    for address in ["https://id.example.com/", "https://api.example.net/keys", "https://mtls.example.com:8443/"] {
        assert_eq!(denial(&egress, address), None, "{address}");
    }
    for address in ["https://deep.example.com/", "https://claims.example.com/", "https://mtls.example.com/"] {
        assert_eq!(denial(&egress, address), Some(Denial::Foreign), "{address}");
    }
}

#[test]
fn the_next_document_replaces_the_one_before() {
    let mut egress = discovered("https://id.example.com", r#"{"a": "https://old.example.com"}"#, false);
    egress.learn(0, br#"{"a": "https://new.example.com"}"#, false);
    assert_eq!(denial(&egress, "https://old.example.com"), Some(Denial::Foreign));
    assert_eq!(denial(&egress, "https://new.example.com"), None);
    for garbage in ["", "<html>", "[]", "\"https://x.example.com\"", "null"] {
        egress.learn(0, garbage.as_bytes(), false);
        assert_eq!(denial(&egress, "https://new.example.com"), None, "what is no document changes nothing");
    }
}

#[test]
fn a_document_of_the_world_leads_nobody_nearby() {
    let json = r#"{"a": "https://10.0.0.1/", "b": "https://localhost/", "c": "https://[::1]/", "d": "https://x.example.com/",
        "e": "https://169.254.169.254/"}"#;
    let egress = discovered("https://id.example.com", json, false);
    assert!(matches!(denial(&egress, "https://10.0.0.1/"), Some(Denial::Nearby(Some(_)))));
    assert!(matches!(denial(&egress, "https://[::1]/"), Some(Denial::Nearby(Some(_)))));
    assert_eq!(denial(&egress, "https://localhost/"), Some(Denial::Nearby(None)));
    assert!(matches!(denial(&egress, "https://169.254.169.254/"), Some(Denial::Never(_))));
    let pass = egress.admit(&url("https://x.example.com/")).unwrap();
    assert!(pass.check("127.0.0.1".parse().unwrap()).is_err() && pass.check("192.168.0.1".parse().unwrap()).is_err());
    assert_eq!(pass.check("93.184.216.34".parse().unwrap()), Ok(()));
}

#[test]
fn a_document_from_nearby_may_lead_nearby() {
    let json = r#"{"a": "https://10.0.0.1/"}"#;
    assert_eq!(denial(&discovered("https://id.corp.example", json, true), "https://10.0.0.1/"), None);
    assert_eq!(
        denial(&discovered("https://127.0.0.1:1", json, false), "https://10.0.0.1/"),
        None,
        "its address says so"
    );
    let metadata = r#"{"a": "https://169.254.169.254/"}"#;
    let denied = denial(&discovered("https://127.0.0.1:1", metadata, true), "https://169.254.169.254/");
    assert!(matches!(denied, Some(Denial::Never(_))));
}

#[test]
fn an_encrypted_document_names_nobody_without_encryption() {
    let json = r#"{"a": "http://api.example.com/", "b": "https://api.example.com/"}"#;
    let egress = discovered("https://id.example.com", json, false);
    assert_eq!(denial(&egress, "http://api.example.com/"), Some(Denial::Downgrade));
    assert_eq!(denial(&egress, "https://api.example.com/"), None);
    assert_eq!(denial(&discovered("http://id.example.com", json, false), "http://api.example.com/"), None);
}

#[test]
fn a_document_is_at_its_address_or_well_known_below_it() {
    let egress =
        egress(&["https://other.example.com"], &["https://id.example.com/realm/", "https://b.example.com/doc?v=2"]);
    for (address, document) in [
        ("https://id.example.com/realm/", Some(0)),
        ("https://id.example.com/realm/.well-known/openid-configuration", Some(0)),
        ("https://id.example.com/realm/.well-known/oauth-authorization-server", Some(0)),
        ("https://b.example.com/doc?v=2", Some(1)),
        ("https://id.example.com/.well-known/openid-configuration", None),
        ("https://id.example.com/realm/.well-known/../keys", None),
        ("https://id.example.com/realm/.well-known/x?y", None),
        ("https://id.example.com/realmx/.well-known/x", None),
        ("https://id.example.com/realm/keys", None),
        ("http://id.example.com/realm/", None),
        ("https://b.example.com/doc", None),
        ("https://other.example.com/", None),
    ] {
        assert_eq!(egress.document(&url(address)), document, "{address}");
    }
}

#[test]
fn a_document_can_name_only_so_many() {
    let members: Vec<String> = (0..100).map(|n| format!(r#""k{n}": "https://h{n}.example.com""#)).collect();
    let egress = discovered("https://id.example.com", &format!("{{{}}}", members.join(",")), false);
    let reached = (0..100).filter(|n| denial(&egress, &format!("https://h{n}.example.com")).is_none()).count();
    assert_eq!(reached, ORIGINS_MAX);
}

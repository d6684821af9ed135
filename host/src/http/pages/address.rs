//! Which file an address below `/admin` means. Pure.
//!
//! Addresses are compared as they were sent: no decoding, so nothing can be written in two ways, and a file is found by its
//! whole name in a table, so there is no path to walk out of. Absent: whether there is such a file.

/// What an address means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The file of a page.
    Page(String),
    /// A file that pages use.
    Asset(&'a str),
    /// Another address, relative to this one: a server may lie below a path that it does not know.
    Elsewhere(String),
}

/// The target of `/admin<rest>`. `has_session` tells whether the browser brings a session, good or not.
pub(super) fn find(rest: &str, has_session: bool) -> Target<'_> {
    let home = if has_session { "account" } else { "login" };
    match rest.strip_prefix('/') {
        None => Target::Elsewhere(format!("./admin/{home}")),
        Some("") => Target::Elsewhere(format!("./{home}")),
        Some(path) if path.starts_with("assets/") => Target::Asset(path),
        Some(path) => page(path),
    }
}

/// Pages have relative addresses in them, so each has one address.
fn page(path: &str) -> Target<'_> {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [name, ""] | [_, name, ""] => Target::Elsewhere(format!("../{name}")),
        ["users", _] => Target::Page("user.html".to_owned()),
        [name] => Target::Page(format!("{name}.html")),
        _ => Target::Page(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rest: &str) -> Target<'_> {
        find(rest, false)
    }

    #[test]
    fn pages_have_names_and_one_address() {
        assert_eq!(page("/login"), Target::Page("login.html".to_owned()));
        assert_eq!(page("/users"), Target::Page("users.html".to_owned()));
        assert_eq!(page("/users/some-id"), Target::Page("user.html".to_owned()));
        assert_eq!(page("/login/"), Target::Elsewhere("../login".to_owned()));
        assert_eq!(page("/users/some-id/"), Target::Elsewhere("../some-id".to_owned()));
        assert_eq!(page("/assets/text/en.js"), Target::Asset("assets/text/en.js"));
    }

    #[test]
    fn the_first_page_is_for_who_comes() {
        assert_eq!(find("", false), Target::Elsewhere("./admin/login".to_owned()));
        assert_eq!(find("", true), Target::Elsewhere("./admin/account".to_owned()));
        assert_eq!(find("/", true), Target::Elsewhere("./account".to_owned()));
    }

    #[test]
    fn nothing_leads_to_another_server_or_out_of_the_table() {
        for rest in
            ["//evil.example", "//evil.example/", "/\\evil.example", "/../login", "/a/b/c", "/users/../x", "/%2e%2e/x"]
        {
            match page(rest) {
                Target::Page(name) => {
                    assert!(name.is_empty() || !name.contains('/') || name == "user.html", "{rest}: {name}");
                }
                Target::Asset(name) => panic!("{rest}: {name}"),
                Target::Elsewhere(to) => assert!(to.starts_with("../") && !to.contains("//"), "{rest}: {to}"),
            }
        }
    }
}

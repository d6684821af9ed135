//! Query strings, as far as this protocol uses them (`?access_token=`, `?fields=`, `?sessionOnly`).
//!
//! Follows `qs`, the parser behind Directus: repeated keys and `key[]` make lists, `key[name]` makes an object. Invariant:
//! never fails; what cannot be decoded is kept raw. Deliberately absent: nested filters, which authentication has none of.

use super::percent;

/// More parameters than this are ignored, as `qs` does; it bounds the work that one line of a request can cause.
const MAX_PARAMETERS: usize = 1000;

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    /// What stands between the first brackets: `Some("")` for `fields[]`.
    index: Option<String>,
    value: String,
}

/// What is given for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing, or an empty value.
    Nothing,
    /// One text.
    Text(String),
    /// A list or an object where one text is wanted.
    Structure,
}

/// A parsed query string.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<Parameter>);

impl Query {
    /// Parses what stands after the `?`.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(pairs.take(MAX_PARAMETERS).filter_map(parameter).collect())
    }

    /// The one text called `name`.
    pub(crate) fn text(&self, name: &str) -> Given {
        let mut found = self.named(name);
        match (found.next(), found.next()) {
            (None, _) => Given::Nothing,
            (Some(one), None) if one.index.is_none() && one.value.is_empty() => Given::Nothing,
            (Some(one), None) if one.index.is_none() => Given::Text(one.value.clone()),
            _ => Given::Structure,
        }
    }

    /// Whether `name` is there at all; `?name=false` counts, because it is a text that is not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// The fields that the client asks for: comma lists, repeated keys and arrays alike. `None`: its default.
    pub(crate) fn fields(&self) -> Option<Vec<String>> {
        let is_list_index = |index: &str| index.bytes().all(|byte| byte.is_ascii_digit());
        let mut items: Vec<_> =
            self.named("fields").filter(|item| item.index.as_deref().is_none_or(is_list_index)).collect();
        items.sort_by_key(|item| item.index.as_ref().and_then(|index| index.parse::<u32>().ok()));
        let fields: Vec<_> =
            items.iter().flat_map(|item| item.value.split(',')).map(|field| field.trim().to_owned()).collect();
        let nothing = fields.iter().all(String::is_empty);
        (!nothing).then_some(fields)
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Parameter> {
        self.0.iter().filter(move |parameter| parameter.name == name)
    }
}

fn parameter(pair: &str) -> Option<Parameter> {
    // `a[b=c]=d` is split at the `=` behind the bracket.
    let (key, value) = match pair.find("]=") {
        Some(bracket) => (pair.get(..=bracket)?, pair.get(bracket + 2..)?),
        None => pair.split_once('=').unwrap_or((pair, "")),
    };
    let key = decode(key);
    let (name, index) = match key.split_once('[') {
        Some((name, rest)) if !name.is_empty() => {
            rest.split_once(']').map_or((key.clone(), None), |(index, _)| (name.to_owned(), Some(index.to_owned())))
        }
        _ => (key.clone(), None),
    };
    (!name.is_empty()).then(|| Parameter { name, index, value: decode(value) })
}

fn decode(text: &str) -> String {
    percent::decode_or_keep(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(query: &str) -> Given {
        Query::parse(Some(query)).text("access_token")
    }

    fn fields(query: &str) -> Option<Vec<String>> {
        Query::parse(Some(query)).fields()
    }

    #[test]
    fn a_token_is_one_text() {
        assert_eq!(token("x=1&access_token=a.b-c"), Given::Text("a.b-c".to_owned()));
        assert_eq!(token("access%5Ftoken=a%20b+c"), Given::Text("a b c".to_owned()));
        assert_eq!(token("access_token=a=b"), Given::Text("a=b".to_owned()));
    }

    #[test]
    fn an_empty_token_is_none() {
        for query in ["", "access_token", "access_token=", "Access_Token=a", "&&", "=x"] {
            assert_eq!(token(query), Given::Nothing, "{query}");
        }
        assert_eq!(Query::parse(None).text("access_token"), Given::Nothing);
    }

    #[test]
    fn a_token_that_is_a_list_or_an_object_is_told_apart() {
        for query in ["access_token=a&access_token=b", "access_token[]=a", "access_token[x]=a"] {
            assert_eq!(token(query), Given::Structure, "{query}");
        }
    }

    #[test]
    fn fields_come_in_many_spellings() {
        for query in [
            "fields=id,role.name",
            "fields=id&fields=role.name",
            "fields[]=id&fields[]=role.name",
            "fields=id%2C+role.name",
            "fields%5B%5D=id,role.name",
            "fields[0]=id&fields[1]=role.name",
            "fields[1]=role.name&fields[0]=id",
        ] {
            assert_eq!(fields(query), Some(vec!["id".to_owned(), "role.name".to_owned()]), "{query}");
        }
    }

    #[test]
    fn no_fields_means_the_default() {
        for query in ["", "fields", "fields=", "fields[]=", "fields[x]=id"] {
            assert_eq!(fields(query), None, "{query}");
        }
    }

    #[test]
    fn a_flag_is_set_by_being_there() {
        for query in ["sessionOnly", "sessionOnly=", "a=b&sessionOnly=true", "sessionOnly=false"] {
            assert!(Query::parse(Some(query)).has("sessionOnly"), "{query}");
        }
        assert!(!Query::parse(Some("sessiononly")).has("sessionOnly"));
    }

    #[test]
    fn what_cannot_be_decoded_is_kept() {
        assert_eq!(token("access_token=a%zz"), Given::Text("a%zz".to_owned()));
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "(\\PC|[\\[\\]=&%+]){0,60}") {
            let query = Query::parse(Some(&query));
            let _ = (query.text("access_token"), query.fields());
        }
    }
}

//! Query strings, as far as this protocol uses them (`?access_token=`, `?fields=`, `?filter[email][_eq]=`).
//!
//! Follows `qs`, the parser behind Directus: repeated keys and `key[]` make lists, `key[name]` makes an object. Invariant:
//! never fails; what cannot be decoded is kept raw. Deliberately absent: what the parameters mean.

use serde_json::{Map, Value};

use super::percent;

/// More parameters than this are ignored, as `qs` does; it bounds the work that one line of a request can cause.
const MAX_PARAMETERS: usize = 1000;

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    /// What stands between the first brackets: `Some("")` for `fields[]`.
    index: Option<String>,
    /// What stands between the further ones.
    inner: Vec<String>,
    value: String,
}

/// Brackets behind a name that count; what is deeper is dropped, as `qs` does.
const MAX_DEPTH: usize = 12;

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

    /// All values of `name` with commas between them, as JavaScript shows a list.
    pub(crate) fn joined(&self, name: &str) -> String {
        self.named(name).map(|parameter| parameter.value.as_str()).collect::<Vec<_>>().join(",")
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

    /// All parameters but the token as JSON: brackets become objects, repeated keys and `[]` become lists.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        for parameter in self.0.iter().filter(|parameter| parameter.name != "access_token") {
            let mut path = vec![parameter.name.as_str()];
            path.extend(parameter.index.as_deref());
            path.extend(parameter.inner.iter().map(String::as_str));
            put(&mut object, &path, &parameter.value);
        }
        object
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
    let (name, index, inner) = match key.split_once('[') {
        Some((name, rest)) if !name.is_empty() => match rest.split_once(']') {
            Some((index, rest)) => (name.to_owned(), Some(index.to_owned()), brackets(rest)),
            None => (key.clone(), None, Vec::new()),
        },
        _ => (key.clone(), None, Vec::new()),
    };
    (!name.is_empty()).then(|| Parameter { name, index, inner, value: decode(value) })
}

/// The names in `[a][b]`.
fn brackets(text: &str) -> Vec<String> {
    let parts = text.split(']').filter_map(|part| part.strip_prefix('['));
    parts.take(MAX_DEPTH).map(ToOwned::to_owned).collect()
}

/// Puts a value at a path of an object. What is there already and no object is turned into a list.
fn put(object: &mut Map<String, Value>, path: &[&str], value: &str) {
    let Some((name, rest)) = path.split_first() else { return };
    let text = || Value::String(value.to_owned());
    match (rest, object.get_mut(*name)) {
        ([] | [""], Some(Value::Array(items))) => items.push(text()),
        ([""], None) => drop(object.insert((*name).to_owned(), Value::Array(vec![text()]))),
        ([], None) => drop(object.insert((*name).to_owned(), text())),
        ([] | [""], Some(other)) => *other = Value::Array(vec![other.take(), text()]),
        (rest, Some(Value::Object(inner))) => put(inner, rest, value),
        (rest, _) => {
            let mut inner = Map::new();
            put(&mut inner, rest, value);
            object.insert((*name).to_owned(), Value::Object(inner));
        }
    }
}

fn decode(text: &str) -> String {
    percent::decode_or_keep(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

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
    fn brackets_become_json() {
        let json = |query| Value::Object(Query::parse(Some(query)).to_json());
        assert_eq!(json("filter[email][_eq]=a%40b.co"), json!({"filter": {"email": {"_eq": "a@b.co"}}}));
        assert_eq!(
            json("filter[_or][0][a][_eq]=1&filter[_or][1][b][_eq]=2"),
            json!({
                "filter": {"_or": {"0": {"a": {"_eq": "1"}}, "1": {"b": {"_eq": "2"}}}}
            })
        );
        assert_eq!(json("fields[]=a&fields[]=b&sort=-id&sort=x"), json!({"fields": ["a", "b"], "sort": ["-id", "x"]}));
        assert_eq!(json("limit=1&access_token=secret"), json!({"limit": "1"}));
        assert_eq!(json("a=1&a[b]=2"), json!({"a": {"b": "2"}}));
    }

    #[test]
    fn what_cannot_be_decoded_is_kept() {
        assert_eq!(token("access_token=a%zz"), Given::Text("a%zz".to_owned()));
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "(\\PC|[\\[\\]=&%+]){0,60}") {
            let query = Query::parse(Some(&query));
            let _ = (query.text("access_token"), query.fields(), query.to_json());
        }

        #[test]
        fn fields_are_the_same_in_every_spelling(
            names in prop::collection::vec("[a-z_]{1,8}(\\.([a-z_]{1,8}|\\*)){0,3}", 1..8),
        ) {
            let join = |before: fn(usize) -> String| -> String {
                let spelled = names.iter().enumerate().map(|(index, name)| format!("{}={name}", before(index)));
                spelled.collect::<Vec<_>>().join("&")
            };
            for query in [
                format!("fields={}", names.join(",")),
                format!("fields={}", names.join("%2C%20")),
                join(|_| "fields".to_owned()),
                join(|_| "fields[]".to_owned()),
                join(|index| format!("fields%5B{index}%5D")),
                format!("x=1&{}&fieldsx=y", join(|index| format!("fields[{index}]"))),
            ] {
                prop_assert_eq!(fields(&query), Some(names.clone()), "{}", query);
            }
        }
    }
}

//! From the language that somebody wants to one that there is: the lookup of RFC 4647, section 3.4.

/// Longest tag that is looked at; RFC 5646, section 4.4.1, needs 35 letters for the longest one without extensions.
const TAG_BYTES_MAX: usize = 64;

/// A tag and what is left of it with its end cut off, subtag by subtag: `zh-Hant-CN`, `zh-Hant`, `zh`. A single letter
/// goes with what it introduces. Nothing for what is no tag.
pub(super) fn ranges(tag: &str) -> Vec<&str> {
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag.len() > TAG_BYTES_MAX || !tag.split('-').all(is_subtag) {
        return Vec::new();
    }
    std::iter::successors(Some(tag), |range| shorter(range)).collect()
}

/// A range without its last subtag.
fn shorter(range: &str) -> Option<&str> {
    let (rest, _) = range.rsplit_once('-')?;
    let single = rest.rsplit_once('-').filter(|(_, last)| last.len() == 1);
    Some(single.map_or(rest, |(rest, _)| rest))
}

/// The first of `available` that a range of `tag` names.
pub(super) fn lookup<'a, T>(tag: &str, available: &'a [T], name: impl Fn(&T) -> &str) -> Option<&'a T> {
    ranges(tag).into_iter().find_map(|range| available.iter().find(|one| name(one).eq_ignore_ascii_case(range)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_cut_from_its_end() {
        assert_eq!(ranges("de"), ["de"]);
        assert_eq!(
            ranges("zh-Hant-CN-x-private1-private2")[..3],
            ["zh-Hant-CN-x-private1-private2", "zh-Hant-CN-x-private1", "zh-Hant-CN"]
        );
        for none in ["", "-", "de-", "../etc", "de_DE", "abcdefghi", &"de-".repeat(40)] {
            assert!(ranges(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn the_nearest_language_is_found_whatever_its_case() {
        let find = |tag: &str| lookup(tag, &["en", "de", "pt-BR"], |one| one).copied();
        assert_eq!(find("de-CH-1996"), Some("de"));
        assert_eq!(find("DE"), Some("de"));
        assert_eq!(find("pt-br"), Some("pt-BR"));
        assert_eq!(find("pt"), None, "a lookup never makes a range longer");
        assert_eq!(find("it-IT"), None);
    }
}

//! What somebody may have meant: names near a wrong one, as graphql-js finds and lists them.
//!
//! Pure. Deliberately absent: which names there are.

/// Most names that are suggested at once.
const SUGGESTIONS_MAX: usize = 5;

/// ` Did you mean "a", "b", or "c"?` with the names near `wrong`, or nothing if none is near.
pub(super) fn did_you_mean<'a>(what: &str, wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = near(wrong, names);
    let quoted: Vec<String> = near.into_iter().take(SUGGESTIONS_MAX).map(|name| format!("\"{name}\"")).collect();
    let listed = match quoted.as_slice() {
        [] => return String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        [others @ .., last] => format!("{}, or {last}", others.join(", ")),
    };
    format!(" Did you mean {what}{listed}?")
}

/// The names near `wrong`, nearest first, else by name.
fn near<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let most = wrong.chars().count() * 2 / 5 + 1;
    let measured = names.filter_map(|name| Some((distance(wrong, name, most)?, name)));
    let mut found: Vec<_> = measured.collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

/// Edits from one to the other if there are at most so many: insertions, deletions, replacements and swaps of neighbours; a
/// difference in case alone is one.
fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    if one == other {
        return Some(0);
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (one, other) = (letters(one), letters(other));
    if one == other {
        return Some(1);
    }
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, against) in other.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, j) + usize::from(letter != against);
            let mut cell = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(against) && other.get(j - 1) == Some(letter);
            if swapped {
                cell = cell.min(at(&before_last, j - 1) + 1);
            }
            row.push(cell);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(wrong: &str, names: &[&str]) -> String {
        did_you_mean("", wrong, names.iter().copied())
    }

    #[test]
    fn near_names_are_listed_nearest_first() {
        assert_eq!(suggested("nope", &["users_me", "server_ping"]), "");
        let names = ["users_invite_accept", "users_register", "users_register_verify", "auth_login"];
        assert_eq!(suggested("users_invite", &names), " Did you mean \"users_register\"?");
        assert_eq!(suggested("abc", &["abd", "ABC"]), " Did you mean \"ABC\" or \"abd\"?");
        assert_eq!(suggested("aaa", &["aab", "aac", "aa"]), " Did you mean \"aa\", \"aab\", or \"aac\"?");
        let many = ["aaab", "aaac", "aaad", "aaae", "aaaf", "aaag"];
        assert_eq!(suggested("aaaa", &many), " Did you mean \"aaab\", \"aaac\", \"aaad\", \"aaae\", or \"aaaf\"?");
        assert_eq!(
            did_you_mean("the enum value ", "jsno", ["json"].into_iter()),
            " Did you mean the enum value \"json\"?"
        );
    }

    #[test]
    fn edits_are_counted() {
        for (one, other, edits) in
            [("ab", "ba", Some(1)), ("kitten", "sitting", Some(3)), ("", "ab", Some(2)), ("a", "abcdefgh", None)]
        {
            assert_eq!(distance(one, other, 3), edits, "{one} {other}");
        }
    }
}

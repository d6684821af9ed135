//! Whose sessions somebody may see and end.

use super::Refusal;
use alloc::string::{String, ToString};

/// Whose sessions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of one account.
    Of(String),
    /// Those of everybody, shares included.
    Everybody,
}

/// Whose sessions a caller with the account `own` is shown: `asked` names an account, nobody means their own.
pub fn shown(own: Option<&str>, admin: bool, asked: Option<&str>, everybody: bool) -> Result<Whose, Refusal> {
    let own = own.ok_or(Refusal::InvalidCredentials)?;
    match (asked, everybody) {
        (None, false) => Ok(Whose::Of(own.to_string())),
        (Some(asked), _) if admin || asked == own => Ok(Whose::Of(asked.to_string())),
        (None, true) if admin => Ok(Whose::Everybody),
        _ => Err(Refusal::Forbidden(None)),
    }
}

/// Among whose sessions the one is looked for that a caller wants to end.
pub fn endable(own: Option<&str>, admin: bool) -> Result<Whose, Refusal> {
    shown(own, admin, None, admin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: &str) -> Result<Whose, Refusal> {
        Ok(Whose::Of(user.into()))
    }

    #[test]
    fn owners_see_their_own_and_administrators_see_all() {
        assert_eq!(shown(Some("me"), false, None, false), of("me"));
        assert_eq!(shown(Some("me"), false, Some("me"), false), of("me"));
        assert_eq!(shown(Some("me"), false, Some("you"), false), Err(Refusal::Forbidden(None)));
        assert_eq!(shown(Some("me"), false, None, true), Err(Refusal::Forbidden(None)));
        assert_eq!(shown(Some("me"), true, None, false), of("me"));
        assert_eq!(shown(Some("me"), true, Some("you"), false), of("you"));
        assert_eq!(shown(Some("me"), true, Some("you"), true), of("you"));
        assert_eq!(shown(Some("me"), true, None, true), Ok(Whose::Everybody));
    }

    #[test]
    fn shares_have_no_sessions_of_their_own_to_see() {
        for admin in [false, true] {
            assert_eq!(shown(None, admin, None, false), Err(Refusal::InvalidCredentials));
            assert_eq!(endable(None, admin), Err(Refusal::InvalidCredentials));
        }
    }

    #[test]
    fn nobody_ends_anothers() {
        assert_eq!(endable(Some("me"), false), of("me"));
        assert_eq!(endable(Some("me"), true), Ok(Whose::Everybody));
    }
}

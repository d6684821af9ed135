//! Who is let in after a driver said who it is, and who may go on.

use super::Refusal;
use alloc::string::String;

/// The provider of accounts with a password here.
pub const DEFAULT_PROVIDER: &str = "default";

/// Where an account stands, as far as signing in depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May sign in.
    Active,
    /// May not, and may be told so while holding a session.
    Suspended,
    /// May not: draft, invited, unverified, archived, or a state that we do not know.
    Inactive,
}

/// An account, as far as signing in depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where it stands.
    pub standing: Standing,
    /// The provider that signs it in.
    pub provider: String,
}

/// Decides on a sign-in through `provider`, after its driver identified the person as the owner of `account`. What
/// remains to be checked is the second factor, if there is one.
///
/// # Errors
/// [`Refusal::InvalidCredentials`] where there is no account, it is not active or another provider's.
pub fn admit(account: Option<&Account>, provider: &str) -> Result<(), Refusal> {
    match account {
        Some(account) if account.standing == Standing::Active && account.provider == provider => Ok(()),
        _ => Err(Refusal::InvalidCredentials),
    }
}

/// Decides whether an account may go on with its session.
///
/// # Errors
/// [`Refusal::UserSuspended`] or [`Refusal::InvalidCredentials`]; the session is to end then.
pub fn continues(standing: Standing) -> Result<(), Refusal> {
    match standing {
        Standing::Active => Ok(()),
        Standing::Suspended => Err(Refusal::UserSuspended),
        Standing::Inactive => Err(Refusal::InvalidCredentials),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account { standing: Standing::Active, provider: "default".into() }
    }

    #[test]
    fn an_active_account_of_the_provider_is_let_in() {
        assert_eq!(admit(Some(&account()), "default"), Ok(()));
    }

    #[test]
    fn no_account_other_standing_and_other_provider_look_the_same() {
        let refused = Err(Refusal::InvalidCredentials);
        assert_eq!(admit(None, "default"), refused);
        assert_eq!(admit(Some(&account()), "corporate"), refused);
        for standing in [Standing::Suspended, Standing::Inactive] {
            assert_eq!(admit(Some(&Account { standing, ..account() }), "default"), refused);
        }
    }

    #[test]
    fn a_session_ends_with_its_account() {
        assert_eq!(continues(Standing::Active), Ok(()));
        assert_eq!(continues(Standing::Suspended), Err(Refusal::UserSuspended));
        assert_eq!(continues(Standing::Inactive), Err(Refusal::InvalidCredentials));
    }
}

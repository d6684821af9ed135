//! Who is let in after a driver said who it is, and who may go on.

use super::{Refusal, otp};
use alloc::string::String;

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
    /// The secret of its second factor.
    pub tfa_secret: Option<String>,
}

/// Decides on a sign-in through `provider`, after its driver identified the person as the owner of `account`.
///
/// # Errors
/// [`Refusal::InvalidCredentials`] where there is no account, it is not active or another provider's;
/// [`Refusal::InvalidOtp`] where it has a second factor and `code` is not right.
pub fn admit(account: Option<&Account>, provider: &str, code: Option<&str>, now_seconds: u64) -> Result<(), Refusal> {
    let account = account
        .filter(|account| account.standing == Standing::Active && account.provider == provider)
        .ok_or(Refusal::InvalidCredentials)?;
    match (&account.tfa_secret, code) {
        (None, _) => Ok(()),
        (Some(secret), Some(code)) if otp::verify(secret, code, now_seconds) => Ok(()),
        (Some(_), _) => Err(Refusal::InvalidOtp),
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
        Account { standing: Standing::Active, provider: "default".into(), tfa_secret: None }
    }

    #[test]
    fn an_active_account_of_the_provider_is_let_in() {
        assert_eq!(admit(Some(&account()), "default", None, 59), Ok(()));
    }

    #[test]
    fn a_code_without_a_second_factor_does_no_harm() {
        assert_eq!(admit(Some(&account()), "default", Some("000000"), 59), Ok(()));
    }

    #[test]
    fn no_account_other_standing_and_other_provider_look_the_same() {
        let refused = Err(Refusal::InvalidCredentials);
        assert_eq!(admit(None, "default", None, 59), refused);
        assert_eq!(admit(Some(&account()), "corporate", None, 59), refused);
        for standing in [Standing::Suspended, Standing::Inactive] {
            assert_eq!(admit(Some(&Account { standing, ..account() }), "default", None, 59), refused);
        }
    }

    #[test]
    fn a_second_factor_is_asked_for_and_checked() {
        let account = Account { tfa_secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()), ..account() };
        assert_eq!(admit(Some(&account), "default", Some("287082"), 59), Ok(()));
        assert_eq!(admit(Some(&account), "default", Some("287082"), 60), Err(Refusal::InvalidOtp));
        assert_eq!(admit(Some(&account), "default", None, 59), Err(Refusal::InvalidOtp));
        let broken = Account { tfa_secret: Some(String::new()), ..account };
        assert_eq!(admit(Some(&broken), "default", None, 59), Err(Refusal::InvalidOtp));
    }

    #[test]
    fn a_session_ends_with_its_account() {
        assert_eq!(continues(Standing::Active), Ok(()));
        assert_eq!(continues(Standing::Suspended), Err(Refusal::UserSuspended));
        assert_eq!(continues(Standing::Inactive), Err(Refusal::InvalidCredentials));
    }
}

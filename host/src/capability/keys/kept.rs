//! Keys that outlive `SECRET`: kept in the database, sealed under it.
//!
//! People keep recovery codes for years, and nothing of them is stored but the key they follow from. So that key must not
//! change with the secret: it is sealed under the present one, and sealed anew when that changes while the one before is
//! still known. What no known secret opens stays as it is, for the day on which the secret is found again.

use super::{
    hmac::{Derived, Secrets},
    sealing::SealError,
};
use crate::capability::{
    clock::Clock,
    storage::{self, Backend},
};

/// The name of the key of recovery codes.
const RECOVERY: &str = "recovery-codes";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error(transparent)]
    Database(#[from] storage::Error),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The key of recovery codes: the one that is kept, or the one that follows from the secret, which is kept from now on.
pub(crate) async fn recovery(store: &dyn Backend, secrets: &Secrets, clock: &dyn Clock) -> Result<Derived, KeptError> {
    let sealer = secrets.sealer();
    let derived = secrets.recovery();
    let Some(kept) = store.kept_key(RECOVERY).await? else {
        let text = sealer.seal(RECOVERY, &derived, clock)?;
        if store.keep_key(RECOVERY, None, &text).await? {
            return Ok(derived);
        }
        // Another host was first, with the same secret or one that is known here.
        let kept = store.kept_key(RECOVERY).await?.unwrap_or(text);
        return Ok(opened(&sealer, &kept).map_or(derived, |(key, _)| key));
    };
    let Some((key, is_present)) = opened(&sealer, &kept) else {
        tracing::warn!(
            "recovery codes were made under another SECRET and are refused; with that in GATEWIT_PREVIOUS_SECRETS they \
             are good again. If it is lost for good, delete the row `{RECOVERY}` of the table gatewit_keys"
        );
        return Ok(derived);
    };
    if !is_present {
        let text = sealer.seal(RECOVERY, &key, clock)?;
        // If another host does the same at this moment, one of them wins, and either will do.
        if store.keep_key(RECOVERY, Some(&kept), &text).await? {
            tracing::info!("the key of recovery codes is sealed under the present SECRET now");
        }
    }
    Ok(key)
}

fn opened(sealer: &super::sealing::Sealer, kept: &str) -> Option<(Derived, bool)> {
    let opened = sealer.open(RECOVERY, kept)?;
    Some((opened.bytes.expose().as_slice().try_into().ok()?, opened.is_present))
}

//! Codes of second factors, as an app on a telephone makes them (RFC 6238 with SHA-1, six digits, thirty seconds).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The key of RFC 6238, appendix B, in base32 …
pub const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// … and as bytes.
pub const KEY: &[u8] = b"12345678901234567890";
/// Seconds in which a code is good.
const STEP: u64 = 30;
/// A code that is shown for less than this may be another one when it arrives.
const LAST_MOMENT: u64 = 5;

/// The code of a moment, `steps` away from now.
pub fn code(key: &[u8], steps: i64) -> anyhow::Result<String> {
    code_of(key, now()?.checked_add_signed(steps).context("no such step")?)
}

/// The code of [`SECRET`] at a moment, in seconds since the Unix epoch.
pub fn code_at(seconds: u64) -> anyhow::Result<String> {
    code_of(KEY, seconds / STEP)
}

/// The code of a step (RFC 4226, section 5.3).
fn code_of(key: &[u8], step: u64) -> anyhow::Result<String> {
    let digest = Hmac::<Sha1>::new_from_slice(key)?.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", word % 1_000_000))
}

/// The number of the present step.
pub fn now() -> anyhow::Result<u64> {
    Ok(seconds()? / STEP)
}

/// Waits for the step after this one, for servers that take a code once.
pub async fn after(step: u64) -> anyhow::Result<()> {
    let wanted = (step + 1) * STEP;
    tokio::time::sleep(Duration::from_secs(wanted.saturating_sub(seconds()?))).await;
    Ok(())
}

/// Waits where a step is about to end.
pub async fn settle() -> anyhow::Result<()> {
    if STEP - seconds()? % STEP <= LAST_MOMENT { after(now()?).await } else { Ok(()) }
}

fn seconds() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// The key in a text in base32 (RFC 4648, section 6).
pub fn key(secret: &str) -> anyhow::Result<Vec<u8>> {
    let (mut key, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in secret.trim_end_matches('=').bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter);
        bits = bits << 5 | u32::try_from(value.context("not base32")?)?;
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push(u8::try_from(bits >> count & 0xff)?);
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_its_base32_says() {
        assert_eq!(key(SECRET).unwrap(), KEY);
        assert_eq!(key("MZXW6===").unwrap(), b"foo");
        assert!(key("1").is_err());
    }
}

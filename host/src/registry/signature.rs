//! Who vouches for a component: detached Ed25519 signatures in the format of minisign, by keys that the operator trusts.
//!
//! What is in the binary needs none. A signature that is there has to be right, even where none is needed. A signature
//! vouches for bytes; that they are the component that they are taken for, its `describe` has to say.

use super::generation::Origin;
use minisign::{PublicKey, PublicKeyBox, SignatureBox};
use std::io::Cursor;

/// The keys that are trusted, and whether one of them has to vouch.
#[derive(Default)]
pub(super) struct Trusted {
    keys: Vec<PublicKey>,
    required: bool,
}

/// What is to be thought of a component.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// A trusted key vouches for it: its number, as minisign writes it.
    By(String),
    /// Nobody does, and nobody has to.
    NotNeeded,
    /// It is not to be used, with the reason.
    No(String),
}

impl Trusted {
    /// Reads keys: each the text of a minisign key file, or its second line.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(super) fn new(keys: &[String], required: bool) -> Result<Self, String> {
        let read = |text: &String| {
            let key = match text.lines().count() {
                0 | 1 => PublicKey::from_base64(text.trim()),
                _ => PublicKeyBox::from_string(text).and_then(PublicKey::from_box),
            };
            key.map_err(|error| {
                format!("GATEWIT_TRUSTED_KEYS: {text:?} is no public key of minisign ({error}); write the second line of its .pub file")
            })
        };
        Ok(Self { keys: keys.iter().map(read).collect::<Result<_, _>>()?, required })
    }

    /// Looks at a component's signature.
    pub(super) fn judge(&self, wasm: &[u8], signature: Option<&str>, origin: &Origin) -> Signed {
        let Some(signature) = signature else {
            if *origin == Origin::BuiltIn || !self.required {
                return Signed::NotNeeded;
            }
            return Signed::No(
                "it is not signed; sign it with `gatewit component sign`, or with minisign, by a key of \
                 GATEWIT_TRUSTED_KEYS, or set GATEWIT_REQUIRE_SIGNED=false"
                    .to_owned(),
            );
        };
        let signature = match SignatureBox::from_string(signature) {
            Ok(signature) => signature,
            Err(error) => return Signed::No(format!("its signature is none of minisign: {error}")),
        };
        let Some(key) = self.keys.iter().find(|key| key.keynum() == signature.keynum()) else {
            let number = number(signature.keynum());
            return Signed::No(format!("it is signed by the key {number}, which is not among GATEWIT_TRUSTED_KEYS"));
        };
        // Signatures over the file itself instead of its hash are what minisign made before 2020.
        match minisign::verify(key, &signature, Cursor::new(wasm), true, false, false) {
            Ok(()) => Signed::By(number(key.keynum())),
            Err(_) => Signed::No(format!("it is not what the key {} signed", number(key.keynum()))),
        }
    }
}

/// The number of a key as minisign writes it.
fn number(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().rev().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    fn signed(pair: &KeyPair, wasm: &[u8]) -> String {
        minisign::sign(Some(&pair.pk), &pair.sk, Cursor::new(wasm), None, None).unwrap().into_string()
    }

    fn file() -> Origin {
        Origin::File("acme.wasm".into())
    }

    #[test]
    fn a_trusted_key_vouches_for_what_it_signed_and_nothing_else() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let trusted = Trusted::new(&[pair.pk.to_base64()], true).unwrap();
        let signature = signed(&pair, b"component");
        assert!(matches!(trusted.judge(b"component", Some(&signature), &file()), Signed::By(_)));
        assert!(
            matches!(trusted.judge(b"another", Some(&signature), &file()), Signed::No(why) if why.contains("is not what"))
        );
        assert!(matches!(trusted.judge(b"component", None, &file()), Signed::No(why) if why.contains("not signed")));
        assert!(matches!(trusted.judge(b"component", Some("nonsense"), &file()), Signed::No(_)));
        assert_eq!(trusted.judge(b"component", None, &Origin::BuiltIn), Signed::NotNeeded);
    }

    #[test]
    fn other_keys_do_not_count_even_where_none_is_needed() {
        let (ours, theirs) =
            (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
        let signature = signed(&theirs, b"component");
        for required in [true, false] {
            let trusted = Trusted::new(&[ours.pk.to_base64()], required).unwrap();
            assert!(
                matches!(trusted.judge(b"component", Some(&signature), &file()), Signed::No(why) if why.contains("not among"))
            );
        }
        let careless = Trusted::new(&[], false).unwrap();
        assert_eq!(careless.judge(b"component", None, &Origin::Uploaded), Signed::NotNeeded);
    }

    #[test]
    fn keys_are_read_as_files_or_lines() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let whole = pair.pk.to_box().unwrap().into_string();
        assert!(Trusted::new(&[whole, pair.pk.to_base64()], true).is_ok());
        assert!(Trusted::new(&["nonsense".to_owned()], true).is_err());
    }
}

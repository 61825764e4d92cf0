//! One-time keys: each mover has a pair of its own and knows the other's public half; nothing else is trusted.
//!
//! The plugin makes both pairs for one session and hands each mover its half over exec stdin. They are never written anywhere.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::hex;

/// What precedes the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The public half of an Ed25519 pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// The private half, as PKCS #8; it is not shown by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Vec<u8>);

/// No randomness was to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness for a key")]
pub struct NoRandomness;

/// A pair that is used for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTime {
    /// Goes to one mover only.
    pub private: PrivateKey,
    /// Goes to the other one.
    pub public: PublicKey,
}

impl OneTime {
    /// Makes a new pair.
    pub fn generate() -> Result<Self, NoRandomness> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| NoRandomness)?;
        let private = PrivateKey(document.as_ref().to_vec());
        let public = private.public().ok_or(NoRandomness)?;
        Ok(Self { private, public })
    }
}

impl PrivateKey {
    /// Gives the PKCS #8 document.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    fn public(&self) -> Option<PublicKey> {
        let pair = Ed25519KeyPair::from_pkcs8(&self.0).ok()?;
        Some(PublicKey(pair.public_key().as_ref().try_into().ok()?))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(hidden)")
    }
}

impl PublicKey {
    /// Gives the key in the form in which TLS carries raw public keys (RFC 7250).
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        [SPKI_HEAD.as_slice(), &self.0].concat()
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("a public key is 64 hexadecimal digits"))
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is not part of the message: an error may end up in a log.
        let key = hex::decode(&String::deserialize(deserializer)?).map(Self);
        key.filter(|key| key.public().is_some())
            .ok_or_else(|| de::Error::custom("the private key is not an Ed25519 key as PKCS #8"))
    }
}

#[cfg(test)]
mod tests {
    use super::{OneTime, PrivateKey, PublicKey};

    #[test]
    fn a_pair_comes_back_from_json_and_is_not_shown() {
        let pair = OneTime::generate().unwrap();
        let private = serde_json::to_string(&pair.private).unwrap();
        assert_eq!(serde_json::from_str::<PrivateKey>(&private).unwrap(), pair.private);
        let public = serde_json::to_string(&pair.public).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&public).unwrap(), pair.public);
        assert!(!format!("{pair:?}").contains(&private[1..20]));
        assert_ne!(OneTime::generate().unwrap().public, pair.public);
        assert_eq!(pair.public.spki().len(), 44);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let error = serde_json::from_str::<PrivateKey>("\"5ec2e7\"").unwrap_err().to_string();
        assert!(error.contains("Ed25519") && !error.contains("5ec2e7"), "{error}");
        assert!(serde_json::from_str::<PublicKey>("\"00\"").is_err());
    }
}

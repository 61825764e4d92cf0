//! TLS 1.3 between two movers that know each other's raw public key (RFC 7250). There is no name, no authority and no date in it:
//! a peer is right when it holds the one private key that belongs to the public key in the order.

use std::sync::Arc;

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring as provider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, ServerConfig,
    SignatureScheme,
};

use super::event::FaultKind;
use super::fault::Fault;
use super::key::{PrivateKey, PublicKey};

/// The one key that the peer may have.
#[derive(Debug)]
struct Pinned {
    spki: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn is(&self, presented: &CertificateDer<'_>) -> Result<(), Error> {
        if presented.as_ref() == self.spki {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn signed(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.provider.signature_verification_algorithms)
    }
}

/// Neither side speaks anything older, so nothing older is ever signed.
fn only_tls13() -> Result<HandshakeSignatureValid, Error> {
    Err(PeerIncompatible::Tls12NotOffered.into())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        presented: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.is(presented).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        only_tls13()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(message, key, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        presented: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.is(presented).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        only_tls13()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(message, key, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

fn refused(error: &Error) -> Fault {
    Fault::new(FaultKind::Order, format!("the keys of the order cannot be used: {error}"))
}

/// AES first, in its faster size: it is what the disk waits for. The other one is for machines without AES instructions.
fn crypto() -> Arc<CryptoProvider> {
    let suites =
        vec![provider::cipher_suite::TLS13_AES_128_GCM_SHA256, provider::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    Arc::new(CryptoProvider { cipher_suites: suites, ..provider::default_provider() })
}

fn own(key: &PrivateKey) -> Result<Arc<CertifiedKey>, Fault> {
    let document = PrivatePkcs8KeyDer::from(key.pkcs8().to_vec());
    let signer = provider::sign::any_eddsa_type(&document).map_err(|error| refused(&error))?;
    let public = signer.public_key().map(|spki| CertificateDer::from(spki.as_ref().to_vec()));
    let public = public.ok_or_else(|| Fault::new(FaultKind::Order, "the key of the order has no public half"))?;
    Ok(Arc::new(CertifiedKey::new(vec![public], signer)))
}

/// Makes what the sender needs.
pub(super) fn client(key: &PrivateKey, peer: &PublicKey) -> Result<Arc<ClientConfig>, Fault> {
    let provider = crypto();
    let pinned = Arc::new(Pinned { spki: peer.spki(), provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| refused(&error))?
        .dangerous()
        .with_custom_certificate_verifier(pinned)
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(own(key)?)));
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(config))
}

/// Makes what the receiver needs.
pub(super) fn server(key: &PrivateKey, peer: &PublicKey) -> Result<Arc<ServerConfig>, Fault> {
    let provider = crypto();
    let pinned = Arc::new(Pinned { spki: peer.spki(), provider: Arc::clone(&provider) });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| refused(&error))?
        .with_client_cert_verifier(pinned)
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own(key)?)));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // A ticket would be bytes that arrive without having been asked for; those mean that the receiver failed.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

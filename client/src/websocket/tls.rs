//! TLS for `wss://`.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use crate::build_error::BuildError;

/// Returns what opens TLS connections. They trust what the system trusts, and these certificates in
/// PEM.
pub(super) fn connector(certificates: &[Vec<u8>]) -> Result<TlsConnector, BuildError> {
    // As reqwest does, whose connections should have the same properties.
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let mut trusted = Vec::new();
    for pem in certificates {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            trusted.push(certificate.map_err(|error| BuildError::new(format!("a certificate is not PEM: {error}")))?);
        }
    }
    let verifier = Verifier::new_with_extra_roots(trusted, Arc::clone(&provider)).map_err(BuildError::new)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(BuildError::new)?
        // The verifier of the system is a custom one for rustls.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

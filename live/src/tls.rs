//! Whom we believe over TLS: the database, Pulse, and queues over HTTP.
//!
//! A server's certificate is always checked: who signed it, until when, and for which name. It is
//! believed if somebody signed it whom the system trusts or, where a `ca_file` is named, somebody in
//! that file and nobody else.
//!
//! The ciphers are named here and not looked up in the process, so that it does not matter who else
//! in it speaks TLS. Not here: AWS and Taskcluster, whose clients bring their own TLS and believe whom
//! the system trusts.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client that believes those in that file, or whom the system trusts.
///
/// # Errors
///
/// The file is not there, or has no certificate.
pub(crate) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = ca_file.map_or_else(|| Ok(system()), of_file)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.expect("these ciphers are for TLS 1.2 and 1.3");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether it is the server's certificate that is wrong.
pub(crate) fn is_distrust(error: &io::Error) -> bool {
    let Some(cause) = error.get_ref() else { return false };
    match cause.downcast_ref::<io::Error>() {
        Some(inner) => is_distrust(inner),
        None => matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}

/// None on a system without: then no certificate is believed, which matters only if there is one.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn of_file(path: &Path) -> Result<RootCertStore, String> {
    let failed = |error: &dyn Display| format!("`ca_file` {}: {error}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() {
        return Err(failed(&"there is no certificate in it (PEM)"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_ca_file_that_names_nobody_is_refused_with_its_name() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("ca.pem");
        let said = || client(Some(&file)).expect_err("it names nobody");
        assert!(said().contains("ca.pem: "), "{}", said());
        for text in
            ["", "hello", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----"]
        {
            fs::write(&file, text).expect("it is written");
            assert!(said().contains("ca.pem: "), "{}", said());
        }
    }
}

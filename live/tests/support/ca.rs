//! Somebody of a test's own who signs certificates.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};

pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pem: String,
}

/// Where a server has its certificate and key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("it is signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes its certificate into that folder.
    pub(crate) fn file(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(name);
        fs::write(&file, &self.pem).expect("it is written");
        file
    }

    /// Signs for a server at that address, and writes what it needs into that folder.
    pub(crate) fn signs(&self, folder: &Path, address: &str) -> Identity {
        let mut params = CertificateParams::new([address.to_owned()]).expect("a name");
        params.serial_number = Some(SerialNumber::from(2));
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("it is signed");
        let identity =
            Identity { certificate: folder.join("server.crt"), key: folder.join("server.key") };
        fs::write(&identity.certificate, signed.pem()).expect("it is written");
        fs::write(&identity.key, key.serialize_pem()).expect("it is written");
        identity
    }
}

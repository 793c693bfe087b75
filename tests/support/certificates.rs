//! The keys and certificates of one control plane, written as PEM files.
//! It does not know what the servers are called or which flags take the files.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// A certificate authority and the directory where it writes what it signs. All keys are EC (P-256), as they are quick to
/// make.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

/// The files of one certificate.
#[derive(Debug)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority whose own certificate is the file `NAME.crt` in `directory`.
    pub fn new(directory: &Path, name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("sign an authority");
        let authority = Authority { issuer, directory: directory.to_path_buf() };
        write(&authority.certificate(name), &authority.issuer.pem());
        authority
    }

    /// The path of `NAME.crt`.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.crt"))
    }

    /// A certificate for a server under `addresses` (IP addresses or DNS names), in `FILE.crt` and `FILE.key`.
    pub fn server(&self, file: &str, addresses: &[&str]) -> Pair {
        let mut params = named(file, addresses);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(file, params)
    }

    /// A certificate by which Kubernetes knows a user (CN) and the groups (O), in `FILE.crt` and `FILE.key`.
    pub fn client(&self, file: &str, user: &str, groups: &[&str]) -> Pair {
        // rcgen keeps one value for each kind of name. The same kind under its number counts as another one, which makes
        // two; a third group would be lost without a word.
        assert!(groups.len() <= 2, "a client certificate carries at most two groups here, not {groups:?}");
        let mut params = named(user, &[]);
        for (kind, group) in [DnType::OrganizationName, DnType::CustomDnType(vec![2, 5, 4, 10])].into_iter().zip(groups)
        {
            params.distinguished_name.push(kind, *group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(file, params)
    }

    fn sign(&self, file: &str, params: CertificateParams) -> Pair {
        let key = key();
        let signed = params.signed_by(&key, &self.issuer).expect("sign a certificate");
        let pair = Pair { certificate: self.certificate(file), key: self.directory.join(format!("{file}.key")) };
        write(&pair.certificate, &signed.pem());
        write(&pair.key, &key.serialize_pem());
        pair
    }
}

/// A key pair without a certificate: the private key in `FILE.key`, the public one in `FILE.pub`.
pub fn bare_key(directory: &Path, file: &str) -> (PathBuf, PathBuf) {
    let pair = key();
    let (private, public) = (directory.join(format!("{file}.key")), directory.join(format!("{file}.pub")));
    write(&private, &pair.serialize_pem());
    write(&public, &pair.public_key_pem());
    (private, public)
}

fn key() -> KeyPair {
    KeyPair::generate().expect("make a key")
}

fn named(common_name: &str, addresses: &[&str]) -> CertificateParams {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(addresses).expect("name a certificate");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn write(path: &Path, pem: &str) {
    fs::write(path, pem).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
}

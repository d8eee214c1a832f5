//! Builds TLS connectors that behave like libpq, and says in one line why a server was not trusted.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::{X509Ref, X509StoreContextRef};
use postgres_openssl::{MakeTlsConnector, set_postgresql_alpn};

use super::parameters::{RootCertificates, TlsMode, TlsParameters};
use crate::error::{Error, ErrorKind, Result};

// OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
const WRONG_HOST: [i32; 2] = [62, 64];

/// A connector and, after its use, its objection to the server's certificate.
pub(super) struct Connector {
    pub(super) make: MakeTlsConnector,
    objection: Arc<Mutex<Option<Objection>>>,
}

/// Why a server was not trusted.
#[derive(Clone)]
enum Objection {
    /// The certificate is for these names.
    WrongHost(Vec<String>),
    /// OpenSSL's reason.
    Untrusted(String),
}

impl Connector {
    /// Builds a connector.
    ///
    /// # Errors
    /// `Usage` when a certificate or key cannot be used.
    pub(super) fn new(tls: &TlsParameters) -> Result<Connector> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(|error| broken("TLS", &error))?;
        let objection = Arc::new(Mutex::new(None));
        set_versions(&mut builder, tls)?;
        set_roots(&mut builder, tls, &objection)?;
        if let Some((certificate, key)) = &tls.certificate {
            set_client_certificate(&mut builder, certificate, key, tls.key_password.as_deref())?;
        }
        if tls.is_direct {
            set_postgresql_alpn(&mut builder).map_err(|error| broken("TLS", &error))?;
        }
        let mut make = MakeTlsConnector::new(builder.build());
        let checks_host = tls.mode == TlsMode::VerifyFull;
        let sends_server_name = tls.sends_server_name;
        make.set_callback(move |configuration, _| {
            configuration.set_verify_hostname(checks_host);
            configuration.set_use_server_name_indication(sends_server_name);
            Ok(())
        });
        Ok(Connector { make, objection })
    }

    /// Returns why the server reached as `host` was not trusted, if that was the reason for the failure.
    pub(super) fn objection(&self, host: &str) -> Option<Error> {
        let objection = self.objection.lock().unwrap_or_else(PoisonError::into_inner);
        let (message, hint) = match objection.as_ref()? {
            Objection::WrongHost(names) => (
                format!("the server's certificate is for {}, not for {host}", names.join(", ")),
                "connect by a name of the certificate, or leave the name unchecked with sslmode=verify-ca",
            ),
            Objection::Untrusted(reason) => (
                format!("the server's certificate is not trusted: {reason}"),
                "sslrootcert names the file of the authority to trust",
            ),
        };
        Some(Error::new(ErrorKind::Connection, message).with_hint(hint))
    }
}

fn set_versions(builder: &mut SslConnectorBuilder, tls: &TlsParameters) -> Result<()> {
    let version = |name: &str| match name {
        "TLSv1" => Ok(SslVersion::TLS1),
        "TLSv1.1" => Ok(SslVersion::TLS1_1),
        "TLSv1.2" => Ok(SslVersion::TLS1_2),
        "TLSv1.3" => Ok(SslVersion::TLS1_3),
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!("TLS version `{name}` is none of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"),
        )),
    };
    let lowest = version(tls.lowest_version.as_deref().unwrap_or("TLSv1.2"))?;
    let highest = tls.highest_version.as_deref().map(version).transpose()?;
    builder
        .set_min_proto_version(Some(lowest))
        .and_then(|()| builder.set_max_proto_version(highest))
        .map_err(|error| broken("TLS versions", &error))
}

fn set_roots(
    builder: &mut SslConnectorBuilder,
    tls: &TlsParameters,
    objection: &Arc<Mutex<Option<Objection>>>,
) -> Result<()> {
    match &tls.roots {
        RootCertificates::Unchecked => {
            builder.set_verify(SslVerifyMode::NONE);
            return Ok(());
        }
        RootCertificates::System => builder
            .set_default_verify_paths()
            .map_err(|error| broken("the system's root certificates", &error))?,
        RootCertificates::File(path) => builder
            .set_ca_file(path)
            .map_err(|error| broken(&format!("root certificate file {}", path.display()), &error))?,
    }
    let objection = objection.clone();
    builder.set_verify_callback(SslVerifyMode::PEER, move |is_fine, context| {
        if !is_fine {
            let mut objection = objection.lock().unwrap_or_else(PoisonError::into_inner);
            objection.get_or_insert_with(|| describe(context));
        }
        is_fine
    });
    Ok(())
}

fn describe(context: &X509StoreContextRef) -> Objection {
    let error = context.error();
    match context.current_cert() {
        Some(certificate) if WRONG_HOST.contains(&error.as_raw()) => Objection::WrongHost(names_of(certificate)),
        _ => Objection::Untrusted(error.error_string().to_string()),
    }
}

fn names_of(certificate: &X509Ref) -> Vec<String> {
    let alternatives: Vec<String> = certificate
        .subject_alt_names()
        .into_iter()
        .flatten()
        .filter_map(|name| match (name.dnsname(), name.ipaddress()) {
            (Some(name), _) => Some(name.to_string()),
            (None, Some([a, b, c, d])) => Some(format!("{a}.{b}.{c}.{d}")),
            _ => None,
        })
        .collect();
    if !alternatives.is_empty() {
        return alternatives;
    }
    certificate
        .subject_name()
        .entries_by_nid(openssl::nid::Nid::COMMONNAME)
        .filter_map(|entry| entry.data().to_string().ok())
        .collect()
}

fn set_client_certificate(
    builder: &mut SslConnectorBuilder,
    certificate: &Path,
    key: &Path,
    password: Option<&str>,
) -> Result<()> {
    check_key_permissions(key)?;
    builder
        .set_certificate_chain_file(certificate)
        .map_err(|error| broken(&format!("client certificate {}", certificate.display()), &error))?;
    let pem = std::fs::read(key).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("cannot read client key {}: {error}", key.display()),
        )
    })?;
    // An empty password prevents OpenSSL from asking for one on the terminal.
    PKey::private_key_from_pem_passphrase(&pem, password.unwrap_or_default().as_bytes())
        .and_then(|key| builder.set_private_key(&key))
        .map_err(|error| {
            broken(&format!("client key {}", key.display()), &error)
                .with_hint("an encrypted key needs sslpassword; the key must belong to the certificate")
        })
}

/// Refuses a key that others can read, by libpq's rule: 0600, or 0640 when it belongs to root.
fn check_key_permissions(key: &Path) -> Result<()> {
    let found = key.metadata().map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("cannot read client key {}: {error}", key.display()),
        )
    })?;
    let forbidden = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("client key {} can be read by others", key.display()),
    )
    .with_hint("`chmod 600` it"))
}

fn broken(what: &str, error: &ErrorStack) -> Error {
    let reason = error
        .errors()
        .first()
        .and_then(|error| error.reason())
        .unwrap_or("OpenSSL does not say why");
    Error::new(ErrorKind::Usage, format!("cannot use {what}: {reason}"))
}

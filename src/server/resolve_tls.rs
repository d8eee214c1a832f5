//! Assembles the TLS part of the connection parameters by libpq's rules.
//!
//! An existing root certificate is always used: `sslmode=require` then checks the server as `verify-ca` does.

use std::path::PathBuf;

use super::parameters::{RootCertificates, TlsMode, TlsParameters};
use super::resolve::{Given, usage};
use crate::error::Result;

impl Given<'_> {
    /// Returns the TLS settings.
    pub(super) fn tls(&self) -> Result<TlsParameters> {
        let from_system = self.value("sslrootcert") == Some("system");
        let default = if from_system {
            TlsMode::VerifyFull
        } else {
            TlsMode::Prefer
        };
        let modes = [
            ("disable", TlsMode::Disable),
            ("allow", TlsMode::Allow),
            ("prefer", TlsMode::Prefer),
            ("require", TlsMode::Require),
            ("verify-ca", TlsMode::VerifyCa),
            ("verify-full", TlsMode::VerifyFull),
        ];
        let mode = self.choice("sslmode", &modes, default)?;
        if from_system && mode != TlsMode::VerifyFull {
            return Err(usage("sslrootcert=system is only safe with sslmode=verify-full"));
        }
        let is_direct = self.choice("sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
        if is_direct && matches!(mode, TlsMode::Disable | TlsMode::Allow | TlsMode::Prefer) {
            return Err(usage("sslnegotiation=direct needs sslmode=require or stronger"));
        }
        Ok(TlsParameters {
            mode,
            roots: self.roots(mode)?,
            certificate: self.client_certificate(),
            key_password: self.value("sslpassword").map(str::to_string),
            lowest_version: self.value("ssl_min_protocol_version").map(str::to_string),
            highest_version: self.value("ssl_max_protocol_version").map(str::to_string),
            sends_server_name: self.value("sslsni") != Some("0"),
            is_direct,
        })
    }

    fn roots(&self, mode: TlsMode) -> Result<RootCertificates> {
        let given = self.value("sslrootcert");
        if given == Some("system") {
            return Ok(RootCertificates::System);
        }
        let path = given
            .map(PathBuf::from)
            .or_else(|| self.in_home(".postgresql/root.crt"));
        match path {
            Some(path) if path.exists() => Ok(RootCertificates::File(path)),
            _ if !matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) => Ok(RootCertificates::Unchecked),
            path => {
                let name = path.map_or("~/.postgresql/root.crt".to_string(), |path| path.display().to_string());
                Err(usage(format!("root certificate file {name} does not exist"))
                    .with_hint("name one with sslrootcert=FILE, or trust the system's with sslrootcert=system"))
            }
        }
    }

    fn client_certificate(&self) -> Option<(PathBuf, PathBuf)> {
        if self.value("sslcertmode") == Some("disable") {
            return None;
        }
        let default = || self.in_home(".postgresql/postgresql.crt").filter(|path| path.exists());
        let certificate = self.value("sslcert").map(PathBuf::from).or_else(default)?;
        let key = self
            .value("sslkey")
            .map(PathBuf::from)
            .or_else(|| self.in_home(".postgresql/postgresql.key"))?;
        Some((certificate, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{ConnectionParameters, Environment};

    fn resolve(target: &str, home: &std::path::Path) -> Result<TlsParameters> {
        let environment = Environment {
            user: Some("me".to_string()),
            home: Some(home.to_path_buf()),
            ..Environment::default()
        };
        ConnectionParameters::resolve(Some(target), &environment).map(|parameters| parameters.tls)
    }

    #[test]
    fn certificates_are_found_where_libpq_finds_them() {
        let home = tempfile::tempdir().expect("temporary directory");
        let nothing = resolve("dbname=x", home.path()).expect("parameters");
        assert_eq!(
            (nothing.mode, nothing.roots),
            (TlsMode::Prefer, RootCertificates::Unchecked)
        );
        assert_eq!(nothing.certificate, None);

        let directory = home.path().join(".postgresql");
        std::fs::create_dir(&directory).expect("directory");
        for name in ["root.crt", "postgresql.crt"] {
            std::fs::write(directory.join(name), "").expect("file");
        }
        let found = resolve("sslmode=require", home.path()).expect("parameters");
        assert_eq!(found.roots, RootCertificates::File(directory.join("root.crt")));
        let pair = (directory.join("postgresql.crt"), directory.join("postgresql.key"));
        assert_eq!(found.certificate, Some(pair));
    }

    #[test]
    fn a_weaker_protection_than_asked_for_is_refused() {
        let home = tempfile::tempdir().expect("temporary directory");
        let check = |target: &str, expected: &str| {
            let error = resolve(target, home.path()).err().expect(target);
            assert!(error.message().contains(expected), "{target}: {error}");
        };
        check("sslmode=verify-full", "root.crt does not exist");
        check("sslmode=verify-ca sslrootcert=/nowhere", "/nowhere does not exist");
        check(
            "sslmode=require sslrootcert=system",
            "only safe with sslmode=verify-full",
        );
        check("sslnegotiation=direct", "needs sslmode=require");
        let system = resolve("sslrootcert=system", home.path()).expect("parameters");
        assert_eq!(
            (system.mode, system.roots),
            (TlsMode::VerifyFull, RootCertificates::System)
        );
    }
}

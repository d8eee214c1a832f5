//! The environment in which another program finds this database and no other, through libpq's variables and
//! `DATABASE_URL`.
//!
//! It contains the password, because the program needs it; the program's output can be shown without it.

use super::parameters::{ConnectionParameters, Endpoint, RootCertificates, TlsMode, percent_encoded};
use crate::shown::{HIDDEN, without_secrets};

/// Prefixes of values that point to a database.
const URL_SCHEMES: [&str; 5] = [
    "postgres://",
    "postgresql://",
    "postgresql+",
    "postgres+",
    "jdbc:postgresql:",
];

/// Returns whether a variable could point another program to a database or give it access: it must not be passed on.
pub fn is_of_a_database(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let is_url_of_ours = name.starts_with("MIGTIME_") && name.ends_with("_URL");
    name.starts_with("PG")
        || name == "DATABASE_URL"
        || is_url_of_ours
        || URL_SCHEMES.iter().any(|scheme| value.contains(scheme))
}

impl ConnectionParameters {
    /// Returns the variables to set, after those [of a database](is_of_a_database) are removed.
    ///
    /// If there are several servers, the first is used; parameters of an open connection have one.
    pub fn child_environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PGUSER".to_string(), self.user.clone()),
            ("PGDATABASE".to_string(), self.database.clone()),
            ("PGSSLMODE".to_string(), self.ssl_mode().to_string()),
        ];
        let mut set = |name: &str, value: Option<String>| {
            variables.extend(value.map(|value| (name.to_string(), value)));
        };
        if let Some(endpoint) = self.endpoints.first() {
            set("PGHOST", Some(endpoint.host.clone()));
            set("PGHOSTADDR", endpoint.address.map(|address| address.to_string()));
            set("PGPORT", Some(endpoint.port.to_string()));
            set("DATABASE_URL", Some(self.url_of(endpoint)));
        }
        set("PGPASSWORD", self.password_for_child().map(str::to_string));
        if let RootCertificates::File(path) = &self.tls.roots {
            set("PGSSLROOTCERT", Some(path.display().to_string()));
        }
        if let Some((certificate, key)) = &self.tls.certificate {
            set("PGSSLCERT", Some(certificate.display().to_string()));
            set("PGSSLKEY", Some(key.display().to_string()));
        }
        set("PGOPTIONS", self.options.clone());
        variables
    }

    /// Returns `text` with the password hidden, both as written and URL-encoded, and all other
    /// [secrets](without_secrets).
    pub fn without_password(&self, text: &str) -> String {
        let text = without_secrets(text);
        match self.password_for_child().filter(|password| !password.is_empty()) {
            Some(password) => text
                .replace(password, HIDDEN)
                .replace(&percent_encoded(password), HIDDEN),
            None => text,
        }
    }

    fn password_for_child(&self) -> Option<&str> {
        let own = self.endpoints.first().and_then(|endpoint| endpoint.password.as_ref());
        self.password.as_ref().or(own).map(String::as_str)
    }

    fn url_of(&self, endpoint: &Endpoint) -> String {
        let user = percent_encoded(&self.user);
        let database = percent_encoded(&self.database);
        // Most libraries accept a socket's directory only as a URL parameter.
        if endpoint.is_socket() {
            let directory = endpoint
                .host
                .split('/')
                .map(percent_encoded)
                .collect::<Vec<_>>()
                .join("/");
            let port = endpoint.port;
            return format!("postgresql:///{database}?user={user}&host={directory}&port={port}");
        }
        let password = self
            .password_for_child()
            .map(|password| format!(":{}", percent_encoded(password)));
        format!(
            "postgresql://{user}{}@{endpoint}/{database}?sslmode={}",
            password.unwrap_or_default(),
            self.ssl_mode()
        )
    }

    fn ssl_mode(&self) -> &'static str {
        match self.tls.mode {
            TlsMode::Disable => "disable",
            TlsMode::Allow => "allow",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Environment;

    fn check(target: &str, name: &str, expected: &str) {
        let parameters = ConnectionParameters::resolve(Some(target), &Environment::default()).expect(target);
        let variables = parameters.child_environment();
        let found = variables.iter().find(|(variable, _)| variable == name);
        assert_eq!(found.map(|(_, value)| value.as_str()), Some(expected), "{target}");
    }

    #[test]
    fn a_program_finds_the_database_by_either_way() {
        let tcp = "host=db.example port=6432 user='a b' password='p@ss/1' dbname=shop sslmode=require";
        check(
            tcp,
            "DATABASE_URL",
            "postgresql://a%20b:p%40ss%2F1@db.example:6432/shop?sslmode=require",
        );
        check(tcp, "PGHOST", "db.example");
        check(tcp, "PGPASSWORD", "p@ss/1");
        let socket = "host='/tmp/a b' port=5433 user=me dbname=shop";
        check(
            socket,
            "DATABASE_URL",
            "postgresql:///shop?user=me&host=/tmp/a%20b&port=5433",
        );
        check(socket, "PGHOST", "/tmp/a b");
    }

    #[test]
    fn what_leads_to_a_database_is_not_handed_on() {
        let check = |name: &str, value: &str, expected: bool| {
            assert_eq!(is_of_a_database(name, value), expected, "{name}={value}");
        };
        check("PGPASSFILE", "/home/me/passwords", true);
        check("MIGTIME_PRODUCTION_URL", "host=prod password=x", true);
        check("SHOP_DB", "jdbc:postgresql://prod/shop", true);
        check("LEGACY_URL", " PostgreSQL+asyncpg://u:p@prod/shop", true);
        check("MIGTIME_LOG", "1", false);
        check("PATH", "/usr/lib/postgresql/16/bin:/bin", false);
        check("HOMEPAGE", "https://example.org", false);
    }

    #[test]
    fn a_password_is_never_shown() {
        let target = "host=db user=me password='p@ss/1' dbname=shop";
        let parameters = ConnectionParameters::resolve(Some(target), &Environment::default()).expect(target);
        let said = "cannot reach postgresql://me:p%40ss%2F1@db/shop with p@ss/1";
        assert_eq!(
            parameters.without_password(said),
            "cannot reach postgresql://me:********@db/shop with ********"
        );
    }
}

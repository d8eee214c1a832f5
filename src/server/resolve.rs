//! Assembles connection parameters as psql does: what works with psql works here.
//!
//! Each option comes from the first source that sets it: the explicit target, the service file, the environment, the
//! default. `DATABASE_URL` is used as the target if there is no explicit one and no libpq variable names a server or a
//! database. `client_encoding`, GSSAPI and compression are accepted but have no effect. An option that asks for more
//! security than the connection will have is refused, not ignored.

use std::path::PathBuf;
use std::time::Duration;

use postgres::config::ChannelBinding;

use super::environment::Environment;
use super::files::read_service;
use super::interruption::Interruption;
use super::keywords::{KEYWORDS, Options, parse_target};
use super::parameters::{ConnectionParameters, Keepalive, TargetSession};
use crate::error::{Error, ErrorKind, Result};

const REFUSED: [&str; 6] = [
    "requirepeer",
    "require_auth",
    "sslcrl",
    "sslcrldir",
    "requiressl",
    "replication",
];

/// libpq's default has no time limit, but here a person is waiting.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

impl ConnectionParameters {
    /// Returns the parameters of `explicit` (a URI, a `keyword=value` string or a database name), completed like psql.
    ///
    /// # Errors
    /// `Usage` when something given is malformed, unknown or not supported.
    pub fn resolve(explicit: Option<&str>, environment: &Environment) -> Result<ConnectionParameters> {
        let url = environment
            .variable("DATABASE_URL")
            .filter(|url| !url.is_empty() && !environment.names_target());
        let mut options = match (explicit, url) {
            (Some(target), _) => parse_target(target)?,
            (None, Some(url)) => parse_target(url).map_err(|error| error.in_context("DATABASE_URL"))?,
            (None, None) => Options::new(),
        };
        add_service(&mut options, environment)?;
        for (keyword, variable) in KEYWORDS {
            if let Some(value) = environment.variable(variable) {
                options.entry(keyword).or_insert_with(|| value.to_string());
            }
        }
        Given { options, environment }.parameters()
    }

    /// Returns every database that the environment could mean as production; empty if it names no target.
    ///
    /// If libpq's variables, `DATABASE_URL` and `MIGTIME_PRODUCTION_URL` disagree, only one is connected to, but all of
    /// them are protected.
    ///
    /// # Errors
    /// As [`ConnectionParameters::resolve`].
    pub fn resolve_productions(environment: &Environment) -> Result<Vec<ConnectionParameters>> {
        let by_url = ["DATABASE_URL", "MIGTIME_PRODUCTION_URL"]
            .into_iter()
            .filter_map(|name| {
                let url = environment.variable(name).filter(|url| !url.is_empty())?;
                Some(ConnectionParameters::resolve(Some(url), environment).map_err(|error| error.in_context(name)))
            });
        let by_variables = environment
            .names_target()
            .then(|| ConnectionParameters::resolve(None, environment));
        by_variables.into_iter().chain(by_url).collect()
    }

    /// Returns the parameters of a staging clone: no environment variable can lead it to production.
    ///
    /// # Errors
    /// As [`ConnectionParameters::resolve`].
    pub fn resolve_staging(target: &str, environment: &Environment) -> Result<ConnectionParameters> {
        ConnectionParameters::resolve(Some(target), &environment.without_target())
    }
}

fn add_service(options: &mut Options, environment: &Environment) -> Result<()> {
    let named = |keyword: &str, variable: &str| {
        let name = options.get(keyword).map(String::as_str);
        name.or(environment.variable(variable)).map(str::to_string)
    };
    let Some(name) = named("service", "PGSERVICE").filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let file = named("servicefile", "PGSERVICEFILE");
    for (keyword, value) in read_service(&name, file.as_deref(), environment)? {
        options.entry(keyword).or_insert(value);
    }
    Ok(())
}

/// All options that were given, and the environment on which defaults depend.
pub(super) struct Given<'a> {
    pub(super) options: Options,
    pub(super) environment: &'a Environment,
}

impl Given<'_> {
    fn parameters(&self) -> Result<ConnectionParameters> {
        self.refuse_unsupported()?;
        let user = match (self.value("user"), &self.environment.user) {
            (Some(user), _) => user.to_string(),
            (None, Some(user)) => user.clone(),
            (None, None) => return Err(usage("no user name is known").with_hint("name one with PGUSER or user=")),
        };
        let mut parameters = ConnectionParameters {
            endpoints: self.endpoints()?,
            database: self.value("dbname").unwrap_or(&user).to_string(),
            user,
            password: self.value("password").map(str::to_string),
            application_name: self.value("application_name").unwrap_or("migtime").to_string(),
            connect_timeout: match self.number("connect_timeout")? {
                None => Some(DEFAULT_CONNECT_TIMEOUT),
                Some(0) => None,
                // As in libpq, at least 2 seconds.
                Some(seconds) => Some(Duration::from_secs(u64::from(seconds.max(2)))),
            },
            options: self.value("options").map(str::to_string),
            tls: self.tls()?,
            target: self.target()?,
            channel_binding: self.channel_binding()?,
            keepalive: self.keepalive()?,
            warnings: Vec::new(),
            interruption: Interruption::default(),
        };
        if parameters.password.is_none() {
            self.add_passwords(&mut parameters);
        }
        Ok(parameters)
    }

    /// Returns a given value; an empty one means the default, as in libpq.
    pub(super) fn value(&self, keyword: &str) -> Option<&str> {
        self.options
            .get(keyword)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.environment.home.as_ref().map(|home| home.join(name))
    }

    fn number(&self, keyword: &str) -> Result<Option<u32>> {
        let Some(value) = self.value(keyword) else {
            return Ok(None);
        };
        let number: i64 = value
            .trim()
            .parse()
            .map_err(|_| usage(format!("connection option `{keyword}` is not a number: {value}")))?;
        Ok(Some(number.clamp(0, i64::from(u32::MAX)) as u32))
    }

    pub(super) fn choice<T: Copy>(&self, keyword: &str, choices: &[(&str, T)], default: T) -> Result<T> {
        let Some(value) = self.value(keyword) else {
            return Ok(default);
        };
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        choices
            .iter()
            .find(|(name, _)| *name == value)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| usage(format!("{keyword} `{value}` is none of {}", names.join(", "))))
    }

    fn refuse_unsupported(&self) -> Result<()> {
        let mut refused: Vec<&str> = REFUSED
            .into_iter()
            .filter(|keyword| self.value(keyword).is_some())
            .collect();
        if self.value("gssencmode") == Some("require") {
            refused.push("gssencmode=require");
        }
        if self.value("sslcertmode") == Some("require") {
            refused.push("sslcertmode=require");
        }
        match refused.first() {
            None => Ok(()),
            Some(keyword) => Err(usage(format!("connection option `{keyword}` is not supported"))
                .with_hint("leave it out for migtime; sslmode=verify-full proves who the server is")),
        }
    }

    fn target(&self) -> Result<TargetSession> {
        let targets = [
            ("any", TargetSession::Any),
            ("read-write", TargetSession::ReadWrite),
            ("read-only", TargetSession::ReadOnly),
            ("primary", TargetSession::Primary),
            ("standby", TargetSession::Standby),
            ("prefer-standby", TargetSession::PreferStandby),
        ];
        self.choice("target_session_attrs", &targets, TargetSession::Any)
    }

    fn channel_binding(&self) -> Result<ChannelBinding> {
        let choices = [
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ];
        self.choice("channel_binding", &choices, ChannelBinding::Prefer)
    }

    fn keepalive(&self) -> Result<Keepalive> {
        let seconds = |number: Option<u32>| {
            number
                .filter(|number| *number > 0)
                .map(u64::from)
                .map(Duration::from_secs)
        };
        Ok(Keepalive {
            is_off: self.number("keepalives")? == Some(0),
            idle: seconds(self.number("keepalives_idle")?),
            interval: seconds(self.number("keepalives_interval")?),
            count: self.number("keepalives_count")?.filter(|count| *count > 0),
            user_timeout: self
                .number("tcp_user_timeout")?
                .filter(|milliseconds| *milliseconds > 0)
                .map(|milliseconds| Duration::from_millis(u64::from(milliseconds))),
        })
    }
}

pub(super) fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            user: Some("osuser".to_string()),
            ..Environment::default()
        }
    }

    fn check(explicit: Option<&str>, variables: &[(&str, &str)], expected: &str) {
        let found = ConnectionParameters::resolve(explicit, &environment(variables));
        let found = found.unwrap_or_else(|error| panic!("{explicit:?} {variables:?}: {error}"));
        assert_eq!(found.to_string(), expected, "{explicit:?} {variables:?}");
    }

    fn check_refused(explicit: &str, expected: &str) {
        let error = ConnectionParameters::resolve(Some(explicit), &environment(&[])).expect_err(explicit);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.message().contains(expected), "{explicit}: {error}");
        assert!(!error.message().contains("secret"), "{error}");
    }

    #[test]
    fn each_option_comes_from_the_first_that_gives_it() {
        check(None, &[], "postgresql://osuser@localhost:5432/osuser");
        check(
            None,
            &[("PGUSER", "u"), ("PGPORT", "6")],
            "postgresql://u@localhost:6/u",
        );
        check(
            Some("app"),
            &[("PGHOST", "h"), ("PGDATABASE", "x")],
            "postgresql://osuser@h:5432/app",
        );
        check(
            Some("postgresql:///app"),
            &[("PGHOST", "h")],
            "postgresql://osuser@h:5432/app",
        );
        check(
            Some("host='' user=u"),
            &[("PGHOST", "h")],
            "postgresql://u@localhost:5432/u",
        );
        check(Some("host=a,b port=7"), &[], "postgresql://osuser@a:7,b:7/osuser");
        check(Some("host=a,b port=7,"), &[], "postgresql://osuser@a:7,b:5432/osuser");
        check(
            Some("hostaddr=127.0.0.2"),
            &[],
            "postgresql://osuser@127.0.0.2:5432/osuser",
        );
    }

    #[test]
    fn database_url_stands_in_only_when_libpq_names_no_target() {
        let url = ("DATABASE_URL", "postgres://u:p@prod/app");
        check(None, &[url], "postgresql://u@prod:5432/app");
        check(None, &[url, ("PGUSER", "v")], "postgresql://u@prod:5432/app");
        check(None, &[url, ("PGHOST", "h")], "postgresql://osuser@h:5432/osuser");
        check(Some("other"), &[url], "postgresql://osuser@localhost:5432/other");
    }

    #[test]
    fn both_that_the_environment_names_are_production() {
        let check = |variables: &[(&str, &str)], expected: &[&str]| {
            let found = ConnectionParameters::resolve_productions(&environment(variables)).expect("parameters");
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{variables:?}");
        };
        let url = ("DATABASE_URL", "postgres://u@prod/app");
        check(&[], &[]);
        check(&[("PGUSER", "u"), ("DATABASE_URL", "")], &[]);
        check(&[url], &["postgresql://u@prod:5432/app"]);
        check(&[("PGHOST", "h")], &["postgresql://osuser@h:5432/osuser"]);
        let named = ("MIGTIME_PRODUCTION_URL", "postgres://v@main/shop");
        check(&[named], &["postgresql://v@main:5432/shop"]);
        check(
            &[url, named],
            &["postgresql://u@prod:5432/app", "postgresql://v@main:5432/shop"],
        );
        check(
            &[url, ("PGHOST", "h")],
            &["postgresql://osuser@h:5432/osuser", "postgresql://u@prod:5432/app"],
        );
    }

    #[test]
    fn nothing_in_the_environment_leads_staging_to_production() {
        let environment = environment(&[
            ("DATABASE_URL", "postgres://prod/app"),
            ("PGHOST", "prod"),
            ("PGHOSTADDR", "10.0.0.1"),
            ("PGPORT", "1"),
            ("PGDATABASE", "app"),
            ("PGUSER", "deploy"),
            ("PGSERVICE", "prod"),
            ("PGPASSWORD", "secret"),
            ("PGOPTIONS", "-c search_path=prod"),
        ]);
        let staging = ConnectionParameters::resolve_staging("clone", &environment).expect("parameters");
        assert_eq!(staging.to_string(), "postgresql://osuser@localhost:5432/clone");
        assert_eq!((staging.password, staging.options), (None, None));
    }

    #[test]
    fn a_service_fills_in_what_the_target_leaves_open() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("services");
        std::fs::write(&file, "[prod]\nhost=db\nport=7\ndbname=app\n").expect("file");
        let file = file.to_str().expect("path");
        let variables = [
            ("PGSERVICEFILE", file),
            ("PGSERVICE", "prod"),
            ("PGHOST", "h"),
            ("PGUSER", "u"),
        ];
        check(None, &variables, "postgresql://u@db:7/app");
        check(Some("other"), &variables, "postgresql://u@db:7/other");
        check(
            Some("service=prod port=8"),
            &[("PGSERVICEFILE", file)],
            "postgresql://osuser@db:8/app",
        );
        check_refused(
            &format!("service=none servicefile={file}"),
            "no service file defines the service `none`",
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        check_refused("host=a,b port=1,2,3", "2 hosts, but 3 ports");
        check_refused("host=a,b hostaddr=127.0.0.1", "2 hosts, but 1 addresses");
        check_refused("hostaddr=example.org", "is not an IP address");
        check_refused("port=0", "not a number from 1 to 65535");
        check_refused(
            "postgresql://u:sec/secret@h/app",
            "has an @ that does not end user and password",
        );
        check_refused("postgresql://u:sec/secret", "not a number from 1 to 65535");
        check_refused(
            "sslmode=on",
            "none of disable, allow, prefer, require, verify-ca, verify-full",
        );
        check_refused("connect_timeout=soon", "is not a number");
        check_refused("target_session_attrs=best", "none of any, read-write");
        check_refused("requirepeer=postgres", "`requirepeer` is not supported");
        check_refused("gssencmode=require", "gssencmode=require");
    }
}

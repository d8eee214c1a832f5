//! Connecting as psql does: passwords, TLS in every mode, and one clear line for everything that goes wrong.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use migtime::error::{Error, ErrorKind};
use migtime::server::{ConnectionParameters, Environment, ThrowawayOptions, ThrowawayServer};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::support;

/// One rule for each authentication that a server may require.
const HBA: &str = "local all all trust
hostssl all only_tls all trust
hostnossl all only_plain all trust
hostssl all by_certificate all cert
host all by_password all scram-sha-256
";

const USERS: &str = "CREATE ROLE only_tls LOGIN; CREATE ROLE only_plain LOGIN; CREATE ROLE by_certificate LOGIN; \
                     SET password_encryption = 'scram-sha-256'; CREATE ROLE by_password LOGIN PASSWORD 'right';";

/// A server that listens on TCP with TLS, and its certificate authorities.
struct TlsServer {
    _server: ThrowawayServer,
    port: u16,
    directory: tempfile::TempDir,
}

/// A certificate and its key.
struct Signed {
    certificate: X509,
    key: PKey<Private>,
}

impl TlsServer {
    fn start() -> TlsServer {
        let port = free_port();
        let mut settings = support::options().settings;
        settings.push(("listen_addresses".into(), "127.0.0.1".into()));
        settings.push(("port".into(), port.to_string()));
        let server = ThrowawayServer::start(&ThrowawayOptions {
            settings,
            ..support::options()
        })
        .expect("server");

        let authority = sign("an authority", None, None);
        let stranger = sign("another authority", None, None);
        let of_server = sign("server", Some("localhost"), Some(&authority));
        let of_client = sign("by_certificate", None, Some(&authority));
        let directory = tempfile::tempdir().expect("temporary directory");
        write_private(&directory.path().join("root.crt"), &pem(&authority));
        write_private(&directory.path().join("stranger.crt"), &pem(&stranger));
        write_private(&directory.path().join("client.crt"), &pem(&of_client));
        write_private(&directory.path().join("client.key"), &key_pem(&of_client));

        let data = server.directory().join("data");
        for (name, text) in [
            ("server.crt", pem(&of_server)),
            ("server.key", key_pem(&of_server)),
            ("root.crt", pem(&authority)),
            ("pg_hba.conf", HBA.as_bytes().to_vec()),
        ] {
            write_private(&data.join(name), &text);
            let owner = data.metadata().expect("data directory");
            std::os::unix::fs::chown(data.join(name), Some(owner.uid()), Some(owner.gid())).expect("chown");
        }
        let mut client = server.parameters("postgres").connect().expect("connection");
        client.batch_execute(USERS).expect("roles");
        for setting in ["ssl_ca_file = 'root.crt'", "ssl = on"] {
            client
                .batch_execute(&format!("ALTER SYSTEM SET {setting}"))
                .expect("setting");
        }
        client.batch_execute("SELECT pg_reload_conf()").expect("reload");
        // A session forked after the reload has both the certificates and the new rules.
        support::await_condition("the server has reloaded", || {
            let mut client = server.parameters("postgres").connect().expect("connection");
            client.query_one("SHOW ssl", &[]).expect("row").get::<_, &str>(0) == "on"
        });
        TlsServer {
            _server: server,
            port,
            directory,
        }
    }

    fn connect(&self, target: &str) -> Result<bool, Error> {
        let target = target.replace("FILES", &self.directory.path().display().to_string());
        let target = format!("hostaddr=127.0.0.1 port={} dbname=postgres {target}", self.port);
        let environment = Environment::default();
        let mut client = ConnectionParameters::resolve(Some(&target), &environment)?.connect()?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok(client.query_one(sql, &[]).expect("row").get(0))
    }

    fn check(&self, target: &str, is_encrypted: bool) {
        let found = self.connect(target).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(found, is_encrypted, "{target}");
    }

    fn check_refused(&self, target: &str, expected: &str) {
        let error = self.connect(target).expect_err(target);
        assert_eq!(error.kind(), ErrorKind::Connection, "{target}: {error}");
        assert!(error.message().contains(expected), "{target}: {error}");
        assert!(!error.message().contains('\n'), "{target}: {error}");
    }
}

#[test]
fn every_sslmode_answers_like_libpq() {
    let server = TlsServer::start();

    server.check(
        "host=localhost user=only_tls sslmode=verify-full sslrootcert=FILES/root.crt",
        true,
    );
    server.check(
        "host=localhost user=only_tls sslmode=verify-ca sslrootcert=FILES/root.crt",
        true,
    );
    server.check(
        "host=wrong.example user=only_tls sslmode=verify-ca sslrootcert=FILES/root.crt",
        true,
    );
    server.check_refused(
        "host=wrong.example user=only_tls sslmode=verify-full sslrootcert=FILES/root.crt",
        "the server's certificate is for localhost, not for wrong.example",
    );
    for mode in ["require", "verify-ca", "verify-full"] {
        server.check_refused(
            &format!("host=localhost user=only_tls sslmode={mode} sslrootcert=FILES/stranger.crt"),
            "the server's certificate is not trusted",
        );
    }

    server.check("user=only_tls sslmode=require", true);
    server.check("user=only_tls sslmode=prefer", true);
    server.check("user=only_tls sslmode=allow", true);
    server.check_refused("user=only_tls sslmode=disable", "no pg_hba.conf entry");
    server.check("user=only_plain sslmode=disable", false);
    server.check("user=only_plain sslmode=allow", false);
    server.check("user=only_plain sslmode=prefer", false);
    server.check_refused("user=only_plain sslmode=require", "no pg_hba.conf entry");

    let certificate = "sslcert=FILES/client.crt sslkey=FILES/client.key";
    server.check(&format!("user=by_certificate sslmode=require {certificate}"), true);
    server.check(&format!("user=by_certificate {certificate}"), true);
    server.check_refused(
        "user=by_certificate sslmode=require",
        "connection requires a valid client certificate",
    );

    server.check("user=by_password password=right", true);
    server.check_refused("user=by_password password=wrong", "password authentication failed");
}

#[test]
fn a_client_key_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let client = sign("me", None, None);
    let (certificate, key) = (directory.path().join("client.crt"), directory.path().join("client.key"));
    write_private(&certificate, &pem(&client));
    write_private(&key, &key_pem(&client));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let target = format!(
        "host=localhost user=me sslcert={} sslkey={}",
        certificate.display(),
        key.display()
    );
    let error = connect(&target).expect_err("an open key");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.message().ends_with("client.key can be read by others"), "{error}");
}

#[test]
fn a_password_is_asked_for_only_when_the_server_wants_one() {
    let server = TlsServer::start();
    let resolve = |user: &str| {
        let target = format!("host=127.0.0.1 port={} dbname=postgres user={user}", server.port);
        ConnectionParameters::resolve(Some(&target), &Environment::default()).expect("parameters")
    };
    let asked = resolve("by_password").ask_password_if_needed(|user| {
        assert_eq!(user, "by_password");
        Some("right".to_string())
    });
    asked
        .expect("asked")
        .connect()
        .expect("the password that was asked for");

    let nobody = resolve("by_password").ask_password_if_needed(|_| None);
    let error = nobody.expect_err("nobody to ask");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().ends_with("the server asks for a password"), "{error}");
    assert!(error.hint().is_some());

    let not_asked = resolve("only_tls").ask_password_if_needed(|_| panic!("not needed"));
    not_asked.expect("no password needed");
}

#[test]
fn what_cannot_be_reached_is_one_line_and_a_hint() {
    let database = support::Database::create();
    let error = database
        .parameters()
        .with_database("nowhere")
        .connect()
        .err()
        .expect("no such database");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(
        error.message().contains("database \"nowhere\" does not exist"),
        "{error}"
    );
    assert_eq!(error.hint(), Some("`psql -l` lists the databases"));

    let port = free_port();
    let error = connect(&format!("host=127.0.0.1 port={port} user=me password=secret")).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Connection);
    let expected = format!("cannot connect to postgresql://me@127.0.0.1:{port}/me: Connection refused");
    assert_eq!(error.message(), expected);
    assert!(error.hint().is_some());

    let error = connect("host=/nonexistent user=me").expect_err("no socket");
    assert!(error.message().ends_with("No such file or directory"), "{error}");
}

#[test]
fn the_next_server_is_tried_and_sslmode_means_nothing_on_a_socket() {
    let database = support::Database::create();
    let socket = database.socket_directory();
    let target = format!(
        "host=/nonexistent,{} user=migtime dbname={} sslmode=require",
        socket.display(),
        database.name()
    );
    connect(&target).expect("the second server");
    connect(&format!("{target} target_session_attrs=primary")).expect("a primary");
    connect(&format!("{target} target_session_attrs=prefer-standby")).expect("no standby, so any");
    let error = connect(&format!("{target} target_session_attrs=standby")).expect_err("no standby");
    assert!(error.message().contains("is not a standby"), "{error}");
}

#[test]
fn a_running_statement_is_cancelled() {
    let database = support::Database::create();
    let mut client = database.client();
    let token = client.cancel_token();
    let parameters = database.parameters();
    let sleeper = std::thread::spawn(move || client.batch_execute("SELECT pg_sleep(600)"));
    let mut observer = database.client();
    support::await_condition("the statement runs", || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'";
        observer.query_one(sql, &[]).expect("row").get::<_, i64>(0) == 1
    });
    parameters.cancel(&token).expect("cancelled");
    let error = sleeper.join().expect("thread").expect_err("cancelled");
    assert_eq!(error.code(), Some(&postgres::error::SqlState::QUERY_CANCELED));
}

fn connect(target: &str) -> Result<(), Error> {
    ConnectionParameters::resolve(Some(target), &Environment::default())?
        .connect()
        .map(drop)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("address").port()
}

/// Creates a certificate for `name`, signed by `authority`, or self-signed.
fn sign(name: &str, host: Option<&str>, authority: Option<&Signed>) -> Signed {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("key")).expect("key");
    let mut subject = X509NameBuilder::new().expect("name");
    subject.append_entry_by_text("CN", name).expect("name");
    let subject = subject.build();
    let mut builder = X509Builder::new().expect("certificate");
    builder.set_version(2).expect("version");
    let serial = BigNum::from_u32(1 + name.len() as u32).expect("number");
    builder
        .set_serial_number(&serial.to_asn1_integer().expect("number"))
        .expect("number");
    builder.set_subject_name(&subject).expect("name");
    let issuer = authority.map_or(&*subject, |authority| authority.certificate.subject_name());
    builder.set_issuer_name(issuer).expect("name");
    builder
        .set_not_before(&Asn1Time::days_from_now(0).expect("time"))
        .expect("time");
    builder
        .set_not_after(&Asn1Time::days_from_now(2).expect("time"))
        .expect("time");
    builder.set_pubkey(&key).expect("key");
    if authority.is_none() {
        let extension = BasicConstraints::new().critical().ca().build().expect("extension");
        builder.append_extension(extension).expect("extension");
    }
    if let Some(host) = host {
        let mut names = SubjectAlternativeName::new();
        names.dns(host);
        let context = builder.x509v3_context(authority.map(|authority| &*authority.certificate), None);
        let extension = names.build(&context).expect("extension");
        builder.append_extension(extension).expect("extension");
    }
    let signer = authority.map_or(&key, |authority| &authority.key);
    builder.sign(signer, MessageDigest::sha256()).expect("signature");
    Signed {
        certificate: builder.build(),
        key,
    }
}

fn pem(signed: &Signed) -> Vec<u8> {
    signed.certificate.to_pem().expect("certificate")
}

fn key_pem(signed: &Signed) -> Vec<u8> {
    signed.key.private_key_to_pem_pkcs8().expect("key")
}

fn write_private(path: &Path, text: &[u8]) {
    let path: PathBuf = path.to_path_buf();
    std::fs::write(&path, text).expect("file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
}

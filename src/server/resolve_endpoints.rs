//! The servers in the connection parameters: matching hosts, addresses and ports, and each server's password.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::files::{Wanted, find_password, read_password_file};
use super::keywords::ENCODE;
use super::parameters::{ConnectionParameters, Endpoint};
use super::resolve::{Given, usage};
use crate::error::Result;

impl Given<'_> {
    fn list(&self, keyword: &str) -> Vec<&str> {
        self.value(keyword)
            .map(|value| value.split(',').collect())
            .unwrap_or_default()
    }

    /// Returns the servers to try, in order.
    pub(super) fn endpoints(&self) -> Result<Vec<Endpoint>> {
        let (hosts, addresses, ports) = (self.list("host"), self.list("hostaddr"), self.list("port"));
        let count = hosts.len().max(addresses.len()).max(1);
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            return Err(usage(format!(
                "{} hosts, but {} addresses",
                hosts.len(),
                addresses.len()
            )));
        }
        if ports.len() > 1 && ports.len() != count {
            return Err(usage(format!("{count} hosts, but {} ports", ports.len())));
        }
        (0..count)
            .map(|index| {
                let port = match ports.get(index).or(ports.first().filter(|_| ports.len() == 1)) {
                    None | Some(&"") => 5432,
                    Some(port) => parse_port(port)?,
                };
                let given = |list: &[&str]| {
                    list.get(index)
                        .map(|text| text.to_string())
                        .filter(|text| !text.is_empty())
                };
                let address = given(&addresses)
                    .map(|address| {
                        address
                            .parse::<IpAddr>()
                            .map_err(|_| usage(format!("hostaddr `{address}` is not an IP address")))
                    })
                    .transpose()?;
                let host = given(&hosts)
                    .or(address.map(|address| address.to_string()))
                    .unwrap_or_else(|| self.default_host(port));
                Ok(Endpoint {
                    host,
                    address,
                    port,
                    password: None,
                })
            })
            .collect()
    }

    /// Returns the first directory that contains a server's socket, or `localhost`.
    fn default_host(&self, port: u16) -> String {
        self.environment
            .socket_directories
            .iter()
            .find(|directory| directory.join(format!(".s.PGSQL.{port}")).exists())
            .map_or_else(
                || "localhost".to_string(),
                |directory| directory.to_string_lossy().into_owned(),
            )
    }

    /// Looks up every server's password in the password file.
    pub(super) fn add_passwords(&self, parameters: &mut ConnectionParameters) {
        let path = self
            .value("passfile")
            .map(PathBuf::from)
            .or_else(|| self.in_home(".pgpass"));
        let text = match path.as_deref().map(read_password_file) {
            None | Some(Ok(None)) => return,
            Some(Ok(Some(text))) => text,
            Some(Err(warning)) => return parameters.warnings.push(warning),
        };
        for endpoint in &mut parameters.endpoints {
            let is_default_socket = self
                .environment
                .socket_directories
                .iter()
                .any(|directory| directory == Path::new(&endpoint.host));
            let wanted = Wanted {
                host: if is_default_socket { "localhost" } else { &endpoint.host },
                port: endpoint.port,
                database: &parameters.database,
                user: &parameters.user,
            };
            endpoint.password = find_password(&text, &wanted);
        }
    }
}

/// Errors never repeat the text: an unencoded `:` or `/` in a URI puts a part of the password here.
fn parse_port(text: &str) -> Result<u16> {
    text.trim()
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| usage("a port is not a number from 1 to 65535").with_hint(ENCODE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Environment;

    #[test]
    fn a_password_file_is_used_only_when_others_cannot_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("passwords");
        std::fs::write(&file, "a:*:*:*:one\nb:5432:app:u:two\n").expect("file");
        let resolve = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("permissions");
            let target = format!("host=a,b,c user=u dbname=app passfile={}", file.display());
            ConnectionParameters::resolve(Some(&target), &Environment::default()).expect("parameters")
        };
        let passwords: Vec<Option<String>> = resolve(0o600)
            .endpoints
            .into_iter()
            .map(|endpoint| endpoint.password)
            .collect();
        assert_eq!(passwords, [Some("one".to_string()), Some("two".to_string()), None]);
        let open = resolve(0o640);
        assert!(open.endpoints.iter().all(|endpoint| endpoint.password.is_none()));
        assert!(
            open.warnings()[0].contains("has group or world access; permissions should be u=rw (0600) or less"),
            "{:?}",
            open.warnings()
        );
    }
}

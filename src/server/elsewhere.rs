//! What can be known about servers without their answer: each of several servers separately, and whether one is
//! provably on another machine.

use std::net::{IpAddr, ToSocketAddrs, UdpSocket};

use super::parameters::{ConnectionParameters, Endpoint, TargetSession};

impl ConnectionParameters {
    /// Returns separate parameters for each server named, without a choice by the kind of server.
    pub fn each_server(&self) -> Vec<ConnectionParameters> {
        let of = |endpoint: &Endpoint| ConnectionParameters {
            endpoints: vec![endpoint.clone()],
            target: TargetSession::Any,
            ..self.clone()
        };
        self.endpoints.iter().map(of).collect()
    }

    /// Returns whether these parameters certainly name a server of this machine, and `other` one of another machine.
    ///
    /// A port of this machine may be forwarded anywhere, and two names may mean the same remote machine; only a socket
    /// is certain.
    pub(super) fn is_shown_to_be_elsewhere_than(&self, other: &ConnectionParameters) -> bool {
        self.endpoints.iter().all(Endpoint::is_socket) && !other.endpoints.iter().any(may_be_here)
    }
}

/// Returns whether a server could be on this machine, judging by its name and the name's addresses.
fn may_be_here(endpoint: &Endpoint) -> bool {
    let addresses: Vec<IpAddr> = match endpoint.address {
        Some(address) => vec![address],
        None => (endpoint.host.as_str(), endpoint.port)
            .to_socket_addrs()
            .map(|found| found.map(|address| address.ip()).collect())
            .unwrap_or_default(),
    };
    endpoint.is_of_this_machine() || addresses.iter().any(|address| is_own(*address))
}

/// Returns whether an interface of this machine has the address: only then can a socket be bound to it.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Environment;

    fn resolved(target: &str) -> ConnectionParameters {
        ConnectionParameters::resolve(Some(target), &Environment::default()).expect(target)
    }

    fn check(staging: &str, production: &str, expected: bool) {
        let found = resolved(staging).is_shown_to_be_elsewhere_than(&resolved(production));
        assert_eq!(found, expected, "{staging} {production}");
    }

    #[test]
    fn only_a_socket_is_shown_to_be_elsewhere_than_a_remote_name() {
        check("host=/srv/one user=a", "host=db.invalid user=a", true);
        check(
            "host=/srv/one user=a",
            "host=db.invalid hostaddr=192.0.2.1 user=a",
            true,
        );
        check("host=/srv/one user=a", "host=db.invalid,localhost user=a", false);
        check("host=/srv/one user=a", "host=db hostaddr=127.0.0.3 user=a", false);
        check("host=/srv/one user=a", "host=/srv/two user=a", false);
        // A port of this machine may be forwarded.
        check("host=localhost port=5433 user=a", "host=db.invalid user=a", false);
        check("host=/srv/one user=a", "host=localhost port=6543 user=a", false);
        check("host=db.invalid user=a", "host=other.invalid user=a", false);
    }

    #[test]
    fn each_server_of_several_is_one_of_its_own() {
        let servers = resolved("host=a,b port=7,8 user=u dbname=app target_session_attrs=standby").each_server();
        let shown: Vec<String> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["postgresql://u@a:7/app", "postgresql://u@b:8/app"]);
        assert!(servers.iter().all(|server| server.target == TargetSession::Any));
    }
}

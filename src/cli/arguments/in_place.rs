//! What is typed to change a staging database itself instead of a copy.

use clap::{Args, ValueEnum};

use crate::server::Danger;

/// Whether the staging database itself may be changed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "In place")]
pub struct InPlaceArguments {
    /// Change the staging database itself: its name, typed out
    ///
    /// Without it a copy is changed, unless the database is marked by ALTER DATABASE … SET migtime.disposable = on.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sandbox", "scratch"])]
    pub disposable: Option<String>,
    /// Change it in place although this depends on it (several: replicas,clients)
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',', conflicts_with_all = ["sandbox", "scratch"])]
    pub waive: Vec<Waiver>,
}

/// What may be waived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Waiver {
    /// Replicas are attached to its server
    Replicas,
    /// Replication slots of its server are active
    Slots,
    /// Its server archives the log
    Archiving,
    /// Other clients are connected to it
    Clients,
}

impl Waiver {
    /// Returns what waives `danger`.
    pub fn of(danger: Danger) -> Waiver {
        match danger {
            Danger::Replicas => Waiver::Replicas,
            Danger::Slots => Waiver::Slots,
            Danger::Archiving => Waiver::Archiving,
            Danger::Clients => Waiver::Clients,
        }
    }

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Waiver::Replicas => "replicas",
            Waiver::Slots => "slots",
            Waiver::Archiving => "archiving",
            Waiver::Clients => "clients",
        }
    }
}

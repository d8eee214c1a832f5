//! What is typed to let a migration act outside its one database.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::migration::OutsideKind;

/// What a migration may do outside its one database.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Outside the database")]
pub struct OutsideArguments {
    /// Let statements reach this outside their database (several: role,database)
    ///
    /// They may always do so on a throwaway server, and never on a staging server unless it is allowed here.
    #[arg(long, value_name = "WHAT", value_parser = kinds(), value_delimiter = ',')]
    pub allow_outside: Vec<OutsideKind>,
}

impl OutsideArguments {
    /// Tells whether this was allowed by name.
    pub fn allows(&self, outside: OutsideKind) -> bool {
        self.allow_outside.contains(&outside)
    }
}

fn kinds() -> impl TypedValueParser<Value = OutsideKind> {
    PossibleValuesParser::new(OutsideKind::ALL.map(OutsideKind::name)).map(|name| {
        let named = OutsideKind::ALL.into_iter().find(|outside| outside.name() == name);
        named.unwrap_or(OutsideKind::DynamicSql)
    })
}

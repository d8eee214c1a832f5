//! What is typed to let a migration act outside its one database.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::migration::Outside;

/// What a migration may do outside its one database.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Outside the database")]
pub struct OutsideArguments {
    /// Let statements reach this outside their database (several: role,database)
    ///
    /// They may always do so on a throwaway server, and never on a staging server unless it is allowed here.
    #[arg(long, value_name = "WHAT", value_parser = kinds(), value_delimiter = ',')]
    pub allow_outside: Vec<Outside>,
}

impl OutsideArguments {
    /// Tells whether this was allowed by name.
    pub fn allows(&self, outside: Outside) -> bool {
        self.allow_outside.contains(&outside)
    }
}

fn kinds() -> impl TypedValueParser<Value = Outside> {
    PossibleValuesParser::new(Outside::ALL.map(Outside::name)).map(|name| {
        let named = Outside::ALL.into_iter().find(|outside| outside.name() == name);
        named.unwrap_or(Outside::DynamicSql)
    })
}

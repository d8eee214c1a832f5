//! `migtime probe`: how fast one server does small, known work, or how two compare. Both are only read.

use std::time::{Duration, Instant};

use super::arguments::{ProbeArguments, ProbeFormat};
use super::{connection, job, output};
use crate::error::{Error, ErrorKind, Result};
use crate::observation::{Probe, ProbeRun, ProbedResource, ProbedServer, Resource};
use crate::report;
use crate::sampler::probe::{self, LargestTable, TimedWork};
use crate::server::{Production, Reader};

/// How often each work is done, where the time allows it.
const ROUNDS: u32 = 5;

/// Work that is done in each round.
const REPEATED: [Resource; 4] = [Resource::Hashing, Resource::Sorting, Resource::LookUps, Resource::Reads];

/// Runs the command.
pub fn run(arguments: &ProbeArguments) -> Result<()> {
    let probed_at = job::now();
    let mut probers = probers(arguments)?;
    let deadline = Instant::now() + Duration::from_secs_f64(arguments.max_duration.0) * probers.len() as u32;
    // In turns, so that what else the machines do meanwhile is in the spread, and meets both servers alike.
    for round in 0..=ROUNDS {
        for prober in &mut probers {
            prober.round(round, deadline, arguments.seed.wrapping_add(round))?;
        }
    }
    let servers: Result<Vec<ProbedServer>> = probers.into_iter().map(Prober::finish).collect();
    let probe = Probe::new(probed_at, servers?);
    let content = match arguments.format {
        ProbeFormat::Json => report::probe_json(&probe),
        ProbeFormat::Terminal => {
            let (width, colour) = output::terminal();
            report::probe_terminal(&probe, width, colour && arguments.out.is_none())
        }
    };
    output::deliver(content.as_bytes(), arguments.out.as_deref())?;
    refuse_unmeasured(&probe)
}

/// Connects to the servers that are to be probed.
fn probers(arguments: &ProbeArguments) -> Result<Vec<Prober>> {
    if arguments.servers.is_empty() {
        return Ok(vec![Prober::new(connection::production(&arguments.connection)?)?]);
    }
    let targets = arguments.servers.iter();
    targets
        .map(|target| connection::production_at(Some(target), arguments.connection.no_password))
        .map(|session| Prober::new(session?))
        .collect()
}

/// Fails if nothing at all is known of a server.
fn refuse_unmeasured(probe: &Probe) -> Result<()> {
    let is_measured = |server: &ProbedServer| server.resources.iter().any(|probed| !probed.runs.is_empty());
    match probe.servers.iter().find(|server| !is_measured(server)) {
        Some(server) => Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!("nothing could be measured on {}", server.database),
        )
        .with_hint("allow it more time with --max-duration")),
        None => Ok(()),
    }
}

/// A session, and what was measured in it.
struct Prober {
    session: Production,
    /// The table whose pages are read, if there is one.
    table: Option<LargestTable>,
    server: ProbedServer,
}

impl Prober {
    fn new(mut session: Production) -> Result<Prober> {
        let (database, version_num) = session.read(probe::asked_server)?;
        output::print_note(&format!("probing {database}"));
        let table = session.read(probe::largest_table)?;
        let resources = Resource::ALL.map(|resource| ProbedResource {
            resource,
            runs: Vec::new(),
            remarks: Vec::new(),
        });
        Ok(Prober {
            session,
            table,
            server: ProbedServer {
                database,
                version_num,
                resources: resources.to_vec(),
            },
        })
    }

    /// Does each work once, until the deadline; the round of number 0 only brings what is looked up into memory.
    ///
    /// # Errors
    /// `Connection` when the session is lost; `Interrupted`. What the server refuses becomes a remark.
    fn round(&mut self, round: u32, deadline: Instant, seed: u32) -> Result<()> {
        let warms_up = round == 0;
        for resource in REPEATED
            .into_iter()
            .filter(|resource| !warms_up || *resource == Resource::LookUps)
        {
            let limit = deadline.saturating_duration_since(Instant::now());
            if limit.is_zero() || !self.probed(resource).remarks.is_empty() {
                continue;
            }
            let table = self.table.clone();
            let outcome = self
                .session
                .read_within(limit, |reader| work(reader, resource, table.as_ref(), seed));
            match outcome {
                Ok(Some(run)) if !warms_up => self.probed(resource).runs.push(run_of(run)),
                Ok(_) => {}
                Err(error) => self.remark_unless_lost(resource, error)?,
            }
        }
        Ok(())
    }

    /// Remarks on the one question that was refused, if the session still answers.
    fn remark_unless_lost(&mut self, resource: Resource, error: Error) -> Result<()> {
        if error.kind() == ErrorKind::Interrupted || self.session.read(probe::asked_server).is_err() {
            return Err(error);
        }
        self.probed(resource).remarks.push(error.message().to_owned());
        Ok(())
    }

    /// Asks for the counters of commits, and says of everything what is not known.
    fn finish(mut self) -> Result<ProbedServer> {
        let version_num = self.server.version_num;
        match self.session.read(|reader| probe::commits(reader, version_num)) {
            Ok(Ok(flushes)) => self.probed(Resource::Commits).runs.push(run_of(flushes)),
            Ok(Err(why)) => self.probed(Resource::Commits).remarks.push(why.to_owned()),
            Err(error) => self.remark_unless_lost(Resource::Commits, error)?,
        }
        let has_table = self.table.is_some();
        for probed in &mut self.server.resources {
            if probed.remarks.is_empty() {
                probed.remarks.extend(remark(probed, has_table).map(str::to_owned));
            }
        }
        Ok(self.server)
    }

    fn probed(&mut self, resource: Resource) -> &mut ProbedResource {
        let place = Resource::ALL.iter().position(|known| *known == resource);
        &mut self.server.resources[place.unwrap_or_default()]
    }
}

/// Says what a measurement does not tell, or why there is none.
fn remark(probed: &ProbedResource, has_table: bool) -> Option<&'static str> {
    match (probed.resource, probed.runs.is_empty()) {
        (Resource::Reads, false) => Some("how many of the pages were in the operating system's cache is not known"),
        (Resource::Reads, true) if !has_table => {
            Some("no table of 2,000 pages (16 MB) or more may be read, of which some are outside PostgreSQL's memory")
        }
        (Resource::Reads, true) => {
            Some("PostgreSQL held nearly all pages of the sample in its memory, or there was no time left")
        }
        (Resource::Commits, _) => {
            Some("the mean since the counters were reset, without waits for standbys; how it is now is not known")
        }
        (_, true) => Some("there was no time left (--max-duration)"),
        (_, false) => None,
    }
}

/// Does one work; `None` where it measured nothing.
fn work(reader: &mut Reader, resource: Resource, table: Option<&LargestTable>, seed: u32) -> Result<Option<TimedWork>> {
    match (resource, table) {
        (Resource::Hashing, _) => probe::hashing(reader).map(Some),
        (Resource::Sorting, _) => probe::sorting(reader).map(Some),
        (Resource::LookUps, _) => probe::look_ups(reader).map(Some),
        (Resource::Reads, Some(table)) => probe::reads(reader, table, seed),
        (Resource::Reads, None) | (Resource::Commits, _) => Ok(None),
    }
}

fn run_of(work: TimedWork) -> ProbeRun {
    ProbeRun {
        amount: work.amount,
        seconds: work.seconds,
    }
}

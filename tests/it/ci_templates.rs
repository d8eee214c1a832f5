//! `action.yml`, the GitLab template and the release workflow: commands contain no substituted values, and the steps
//! work when they are run as the service runs them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use super::ci_repository::{Repository, check_code, without_service};
use super::support::migtime;

const MIGRATION: &str = "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n";
const CONFIGURATION: &str = "[budget]\nduration = \"1h\"\n[throwaway]\nfill = \"db/fill.sql\"\nrows = 500\n";
const HOSTILE: &str = "\"; touch pwned; echo \"$(touch pwned)`touch pwned`' || touch pwned #";

/// A step that a runner would pass to a shell.
struct Step {
    id: String,
    environment: Vec<(String, String)>,
    script: String,
}

#[test]
fn the_steps_of_the_action_judge_a_real_migration() {
    let repository = Repository::create(CONFIGURATION);
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    repository.commit("a migration");
    let outputs = play_action(&repository, &[("migrations", "db/migrations")], 0);
    assert_eq!(outputs.get("judge.verdict").map(String::as_str), Some("pass"));
    assert_eq!(outputs.get("judge.migrations").map(String::as_str), Some("1"));
    assert!(repository.read("summary").contains("`db/migrations/0002_paid.sql`"));
    repository.read("reports/ci/migtime.sarif");

    repository.write("migtime.toml", "[budget]\nduration = \"1ms\"\n");
    let outputs = play_action(
        &repository,
        &[("migrations", "db/migrations"), ("output", "elsewhere")],
        1,
    );
    assert_eq!(outputs.get("judge.verdict").map(String::as_str), Some("fail"));
    repository.read("elsewhere/summary.md");
}

#[test]
fn nothing_in_an_input_of_the_action_is_run() {
    let inputs = ["migrations", "base", "config", "output"];
    for hostile in inputs {
        let repository = Repository::create(CONFIGURATION);
        let mut given = vec![("migrations", "db/migrations")];
        given.retain(|(name, _)| *name != hostile);
        given.push((hostile, HOSTILE));
        // As the directory of the reports, it is only an unusual name, and nothing is new here.
        let code = if hostile == "output" { 0 } else { 2 };
        play_action(&repository, &given, code);
        assert!(!repository.path("pwned").exists(), "{hostile} was run");
    }
}

#[test]
fn the_script_of_the_gitlab_job_writes_what_its_artifacts_name() {
    let template = yaml("ci-templates/gitlab.yml");
    let job = &template["migtime"];
    assert_eq!(job["variables"]["GIT_DEPTH"].as_str(), Some("0"));
    let script: Vec<&str> = job["script"]
        .as_vec()
        .expect("a list")
        .iter()
        .filter_map(Yaml::as_str)
        .collect();
    let play = |repository: &Repository, migrations: &str| {
        let mut command = bash(&script.join("\n"), repository);
        command
            .env("PATH", with_program())
            .env("MIGTIME_MIGRATIONS", migrations);
        command
            .env("GITLAB_CI", "true")
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
        command.output().expect("bash runs")
    };
    let repository = Repository::create(CONFIGURATION);
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    repository.commit("a migration");
    check_code(&play(&repository, "db/migrations"), 0);
    let reports = job["artifacts"]["reports"].as_hash().expect("a table");
    assert_eq!(reports.len(), 3);
    for file in reports.values() {
        repository.read(file.as_str().expect("a path"));
    }
    check_code(&play(&repository, HOSTILE), 2);
    assert!(!repository.path("pwned").exists());
}

#[test]
fn no_workflow_writes_a_value_into_a_command() {
    let mut checked = 0;
    for file in ["action.yml", ".github/workflows/release.yml"] {
        // The published crate does not contain the workflow.
        if file.starts_with('.') && !Path::new(file).exists() && !Path::new(".git").exists() {
            continue;
        }
        let mut scripts = Vec::new();
        collect_scripts(&yaml(file), &mut scripts);
        for script in &scripts {
            checked += 1;
            assert!(!script.contains("${{"), "{file}: {script}");
            let syntax = Command::new("bash")
                .args(["-n", "-c", script])
                .output()
                .expect("bash runs");
            check_code(&syntax, 0);
        }
    }
    assert!(checked >= 2, "only {checked} commands were found");
}

#[test]
fn the_action_names_only_outputs_that_there_are() {
    let action = yaml("action.yml");
    let repository = Repository::create("");
    let outputs = play_action(&repository, &[("migrations", "db/migrations")], 0);
    let declared = action["outputs"].as_hash().expect("a table");
    for (name, output) in declared {
        let name = name.as_str().expect("a name");
        assert_eq!(
            output["value"].as_str().map(str::to_string),
            Some(format!("${{{{ steps.judge.outputs.{name} }}}}"))
        );
        // Only set when a single migration was judged.
        let known = name == "upper-seconds" || outputs.contains_key(&format!("judge.{name}"));
        assert!(known, "{name} is not among {:?}", outputs.keys());
    }
}

/// Runs the shell steps of the action as a runner would, with these inputs; returns the outputs as `step.name`.
fn play_action(repository: &Repository, inputs: &[(&str, &str)], code: i32) -> BTreeMap<String, String> {
    let action = yaml("action.yml");
    let mut values = BTreeMap::new();
    for (name, input) in action["inputs"].as_hash().expect("a table") {
        let default = input["default"].as_str().unwrap_or_default();
        values.insert(
            format!("inputs.{}", name.as_str().expect("a name")),
            default.to_string(),
        );
    }
    values.extend(
        inputs
            .iter()
            .map(|(name, value)| (format!("inputs.{name}"), value.to_string())),
    );
    let mut outputs = BTreeMap::new();
    let steps = steps(&action);
    assert_eq!(steps.len(), 2);
    for (index, step) in steps.iter().enumerate() {
        let mut command = bash(&step.script, repository);
        command.env("PATH", with_program());
        for (name, value) in &step.environment {
            command.env(name, substituted(value, &values));
        }
        let file = repository.path("step-outputs");
        std::fs::write(&file, "").expect("file");
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", &file)
            .env("GITHUB_STEP_SUMMARY", repository.path("summary"));
        let output = command.output().expect("bash runs");
        check_code(&output, if index + 1 == steps.len() { code } else { 0 });
        for (name, value) in read_outputs(&repository.read("step-outputs")) {
            values.insert(format!("steps.{}.outputs.{name}", step.id), value.clone());
            outputs.insert(format!("{}.{name}", step.id), value);
        }
        std::fs::remove_file(&file).expect("file");
    }
    outputs
}

/// Substitutes `${{ name }}` by its value, as a runner does in `env` and elsewhere.
fn substituted(text: &str, values: &BTreeMap<String, String>) -> String {
    let Some(name) = text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) else {
        assert!(!text.contains("${{"), "{text}");
        return text.to_string();
    };
    values
        .get(name)
        .unwrap_or_else(|| panic!("{name} is not among {:?}", values.keys()))
        .clone()
}

/// Reads `name=value` and `name<<END … END`.
fn read_outputs(text: &str) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, end)) = line.split_once("<<") {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            outputs.push((name.to_string(), value.join("\n")));
        } else {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
            outputs.push((name.to_string(), value.to_string()));
        }
    }
    outputs
}

/// Returns bash with the options that GitHub uses, in the repository.
fn bash(script: &str, repository: &Repository) -> Command {
    let mut command = Command::new("bash");
    command
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(repository.path(""));
    without_service(&mut command);
    command.env_remove("MIGTIME_STAGING_URL").env_remove("DATABASE_URL");
    command
}

/// Returns a `PATH` on which the program is found first.
fn with_program() -> String {
    let program = migtime(&[]).get_program().to_os_string();
    let directory = Path::new(&program).parent().expect("a directory").display().to_string();
    format!("{directory}:{}", std::env::var("PATH").expect("a search path"))
}

fn steps(action: &Yaml) -> Vec<Step> {
    let steps = action["runs"]["steps"].as_vec().expect("steps");
    let with_script = steps
        .iter()
        .filter_map(|step| step["run"].as_str().map(|script| (step, script)));
    with_script
        .map(|(step, script)| {
            assert_eq!(
                step["shell"].as_str(),
                Some("bash"),
                "a composite action names its shells"
            );
            let environment = step["env"].as_hash().expect("a table").iter();
            let pair = |(name, value): (&Yaml, &Yaml)| Some((name.as_str()?.to_string(), value.as_str()?.to_string()));
            Step {
                id: step["id"].as_str().expect("an id").to_string(),
                environment: environment.map(|entry| pair(entry).expect("texts")).collect(),
                script: script.to_string(),
            }
        })
        .collect()
}

fn collect_scripts(node: &Yaml, scripts: &mut Vec<String>) {
    if let Some(table) = node.as_hash() {
        for (key, value) in table {
            match (key.as_str(), value.as_str()) {
                (Some("run"), Some(script)) => scripts.push(script.to_string()),
                _ => collect_scripts(value, scripts),
            }
        }
    }
    for child in node.as_vec().into_iter().flatten() {
        collect_scripts(child, scripts);
    }
}

fn yaml(file: &str) -> Yaml {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(documents.len(), 1, "{file}");
    documents.remove(0)
}

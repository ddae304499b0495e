//! Runs scenarios, keeps time, and on failure writes down what the cluster looked like.
//!
//! ```text
//! unit ─────────────────────┐  compiles: wants processors, and yields them to the others
//! api ── cluster ── browser ┴─ what wants a machine of its own ── Report
//! ```
//!
//! The two lanes run side by side, each in order: what one of them waits for is time for the other.
#![allow(
    clippy::print_stdout,
    reason = "the report is the output of the command"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::world::World;
use super::{Scenario, Tier};

/// No scenario may take longer; the whole run has to fit a CI job. On a cold machine the crates' own tests
/// are compiled while the cluster's programs are.
const LIMIT: Duration = Duration::from_secs(55 * 60);

/// What became of each scenario.
pub struct Report {
    lines: Vec<Line>,
}

#[derive(Clone)]
struct Line {
    number: usize,
    tier: Tier,
    name: &'static str,
    took: Duration,
    problem: Option<String>,
}

/// Prints the names by tier.
pub fn list(scenarios: &[Scenario]) {
    for scenario in scenarios {
        println!("{:8} {}", scenario.tier, scenario.name);
    }
}

/// Runs every scenario; one that fails does not stop the others.
pub async fn run(world: &World, scenarios: &[Scenario]) -> Report {
    let numbered = scenarios.iter().enumerate();
    let (alone, others): (Vec<_>, Vec<_>) = numbered.partition(|(_, s)| s.is_alone);
    let (code, running): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(_, s)| s.tier == Tier::Unit);
    if !code.is_empty() && !running.is_empty() {
        // First of all: cargo does one thing at a time, and without programs there is no cluster to test.
        // What does not compile is told by each scenario.
        drop(world.compile().await);
    }
    let count = scenarios.len();
    let (code, running) = tokio::join!(lane(world, &code, count), lane(world, &running, count));
    let alone = lane(world, &alone, count).await;
    let mut lines = [code, running, alone].concat();
    lines.sort_by_key(|line| line.number);
    Report { lines }
}

/// Runs these one after the other.
async fn lane(world: &World, scenarios: &[(usize, &Scenario)], count: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (position, scenario) in scenarios {
        let number = position + 1;
        println!("[{number}/{count}] {}: {}", scenario.tier, scenario.name);
        let started = Instant::now();
        let outcome = match tokio::time::timeout(LIMIT, (scenario.check)(world)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("not finished after {} s", LIMIT.as_secs())),
        };
        let took = started.elapsed();
        let problem = outcome.err().map(|error| chain(&error));
        let mark = format!("[{number}/{count}]");
        match &problem {
            None => println!("{mark} ok, {:.1} s", took.as_secs_f64()),
            Some(problem) => {
                println!(
                    "{mark} FAILED after {:.1} s\n{}",
                    took.as_secs_f64(),
                    indent(problem)
                );
                write_down(world, scenario).await;
            }
        }
        lines.push(Line {
            number,
            tier: scenario.tier,
            name: scenario.name,
            took,
            problem,
        });
    }
    lines
}

async fn write_down(world: &World, scenario: &Scenario) {
    let folder = dump_folder(scenario.name);
    match world.dump(&folder).await {
        Ok(true) => println!(
            "        objects, events and logs are in {}",
            folder.display()
        ),
        Ok(false) => {}
        Err(error) => println!("        no dump of the cluster: {error:#}"),
    }
}

fn dump_folder(name: &str) -> PathBuf {
    let folder: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    PathBuf::from("target/e2e").join(folder)
}

/// The error and its causes, one below the other.
fn chain(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    causes.join("\ncaused by: ")
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("        {line}\n"))
        .collect()
}

impl Report {
    /// How many scenarios failed.
    pub fn failed(&self) -> usize {
        self.lines
            .iter()
            .filter(|line| line.problem.is_some())
            .count()
    }

    /// Prints where the time went and the closing line.
    pub fn print(&self) {
        println!("\n{:>8}  {:8}  scenario", "seconds", "tier");
        for line in &self.lines {
            let mark = if line.problem.is_some() {
                "FAILED  "
            } else {
                ""
            };
            println!(
                "{:>8.1}  {:8}  {mark}{}",
                line.took.as_secs_f64(),
                line.tier,
                line.name
            );
        }
        for tier in Tier::ALL {
            let lines = self.lines.iter().filter(|line| line.tier == tier);
            let took: Duration = lines.map(|line| line.took).sum();
            if !took.is_zero() {
                println!("{:>8.1}  {tier:8}  (sum)", took.as_secs_f64());
            }
        }
        // Once more what went wrong: of a long output often only the end is kept.
        for line in &self.lines {
            if let Some(problem) = &line.problem {
                println!("\nFAILED {}: {}\n{}", line.tier, line.name, indent(problem));
            }
        }
        println!(
            "\n{} passed, {} failed",
            self.lines.len() - self.failed(),
            self.failed()
        );
    }
}

//! The API under load, beside the stack of the original: FastAPI, asyncpg and uvicorn, plain and tuned. All ask
//! one PostgreSQL with the sample books, over TLS, from this machine. Prints tables; asserts nothing.
//!
//! ```text
//! under load (no argument):
//!   closed loop, in pairs ─▶ requests/s and CPU per request, ours : rival, median of the ratios
//!   open loop at 0.8 and 3 times what was reached ─▶ goodput and success by class
//!   1,000 slow heads and 1,000 slow bodies ─▶ a normal request beside them, memory
//! `exports`:
//!   CSV of a million rows, XLSX of 200,000 ─▶ seconds, first byte, CPU, growth of memory, ours : rival
//! ```
//!
//! Figures of CPU say more than requests per second: load, database and server share the machine.

#![allow(clippy::unwrap_used, reason = "what fails ends the bench")]
#![allow(
    clippy::print_stdout,
    reason = "the figures are the output of the command"
)]

mod exports;
mod load;
mod process;
mod slow;
mod subjects;

use std::time::Duration;

use load::{Kind, Load};
use subjects::{Subject, World};

/// Pairs per figure.
const PAIRS: usize = 5;
/// Connections of the closed loop.
const CONNECTIONS: usize = 16;
/// Length of one measurement.
const WINDOW: Duration = Duration::from_secs(2);
/// Length of an overload.
const OVERLOAD: Duration = Duration::from_secs(8);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // cargo adds options of its own.
    let is_about_exports = std::env::args().any(|argument| argument == "exports");
    runtime.block_on(async {
        let world = World::start().await;
        world.say_if_alone();
        if is_about_exports {
            exports::fill(&world.erp().await).await;
            exports::measure(&world).await;
        } else {
            measure(&world).await;
        }
    });
}

async fn measure(world: &World) {
    let ours = world.ours().await;
    let rivals = world.rivals().await;
    for kind in [Kind::Companies, Kind::Invoices] {
        pairs(&ours, &rivals, kind).await;
    }
    for subject in std::iter::once(&ours).chain(&rivals) {
        overload(subject).await;
    }
    for subject in std::iter::once(&ours).chain(&rivals) {
        slow::measure(subject).await;
    }
}

/// Ours and each rival in turns.
async fn pairs(ours: &Subject, rivals: &[Subject], kind: Kind) {
    println!("\n{}, {CONNECTIONS} connections", kind.title());
    println!("{:<14} {:>12} {:>16}", "", "requests/s", "CPU/request");
    let mut own = Vec::new();
    let mut theirs: Vec<Vec<Figure>> = rivals.iter().map(|_| Vec::new()).collect();
    for subject in std::iter::once(ours).chain(rivals) {
        // Connections, plans and caches are warm for everybody.
        Load::new(subject, kind)
            .closed(CONNECTIONS, WINDOW / 2)
            .await;
    }
    for _ in 0..PAIRS {
        own.push(Figure::take(ours, kind).await);
        for (rival, figures) in rivals.iter().zip(&mut theirs) {
            figures.push(Figure::take(rival, kind).await);
        }
    }
    row(ours.name, &own);
    for (rival, figures) in rivals.iter().zip(&theirs) {
        row(rival.name, figures);
        let pairs = || own.iter().zip(figures);
        let (rate, low, high) = spread(pairs().map(|(a, b)| a.rate / b.rate));
        println!(
            "  ours : {}   requests/s {rate:.1} times ({low:.1} to {high:.1})",
            rival.name
        );
        let (cpu, low, high) = spread(pairs().map(|(a, b)| b.cpu / a.cpu));
        println!(
            "  ours : {}   CPU one of {cpu:.1} ({low:.1} to {high:.1})",
            rival.name
        );
    }
}

/// One measurement of the closed loop.
struct Figure {
    /// Answers per second.
    rate: f64,
    /// Seconds per answer.
    cpu: f64,
}

impl Figure {
    async fn take(subject: &Subject, kind: Kind) -> Self {
        let before = subject.process.cpu_seconds();
        let tally = Load::new(subject, kind).closed(CONNECTIONS, WINDOW).await;
        let cpu = subject.process.cpu_seconds() - before;
        let answers = tally.good.len().max(1) as f64;
        Self {
            rate: answers / WINDOW.as_secs_f64(),
            cpu: cpu / answers,
        }
    }
}

fn row(name: &str, figures: &[Figure]) {
    let (rate, ..) = spread(figures.iter().map(|figure| figure.rate));
    let (cpu, ..) = spread(figures.iter().map(|figure| figure.cpu));
    println!("{name:<14} {rate:>12.0} {:>13.0} µs", cpu * 1e6);
}

/// Median, least and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (
        values[values.len() / 2],
        values[0],
        values[values.len() - 1],
    )
}

/// A third of the requests are people's, the others exports.
async fn overload(subject: &Subject) {
    let peak = Load::new(subject, Kind::Invoices).closed(64, WINDOW).await;
    let peak = peak.good.len() as f64 / WINDOW.as_secs_f64();
    println!(
        "\n{}: open loop, {} (peak {peak:.0}/s)",
        subject.name,
        Kind::Invoices.title()
    );
    println!(
        "{:>6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "load", "goodput/s", "people", "exports", "p50", "p99", "of people"
    );
    for times in [0.8, 3.0] {
        let load = Load::new(subject, Kind::Invoices);
        let (people, exports) = load.open(peak * times, OVERLOAD).await;
        let good = (people.good.len() + exports.good.len()) as f64 / OVERLOAD.as_secs_f64();
        let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
        println!(
            "{times:>5.1}x {good:>10.0} {:>9.1}% {:>9.1}% {:>10} {:>10}",
            people.success() * 100.0,
            exports.success() * 100.0,
            ms(people.at(0.5)),
            ms(people.at(0.99)),
        );
    }
}

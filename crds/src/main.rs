//! `reportapp-crdgen`: writes the generated files of this crate, or with `--check` says which of
//! them differ and fails. Run it from the root of the repository: `cargo run -p reportapp-crds`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use reportapp_crds::generate::generated_files;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    match run(check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "reportapp-crdgen: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every file is as it should be afterwards.
fn run(check: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let mut same = true;
    for file in generated_files()? {
        let path = Path::new(&file.path);
        if std::fs::read_to_string(path).is_ok_and(|found| found == file.content) {
            continue;
        }
        if check {
            same = false;
            writeln!(
                std::io::stderr(),
                "{} is out of date; run: cargo run -p reportapp-crds",
                file.path
            )?;
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, &file.content)?;
        writeln!(std::io::stderr(), "wrote {}", file.path)?;
    }
    Ok(same)
}

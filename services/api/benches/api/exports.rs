//! Whole reports as files, one after the other: how long, how soon, how much CPU and memory.

use std::time::{Duration, Instant};

use reportapp_pool::Pool;

use crate::subjects::{Subject, World};

/// Companies with nothing but as many invoices: name and number.
const COMPANIES: [(&str, u32); 4] = [
    ("k100", 100_000),
    ("k200", 200_000),
    ("m1", 1_000_000),
    ("m2", 2_000_000),
];
/// What is exported: name for people, format, company, whether the rivals make it, too.
const FILES: [(&str, Format, &str, bool); 5] = [
    ("CSV, 100 k rows", Format::Csv, "k100", false),
    ("CSV, 1 M rows", Format::Csv, "m1", true),
    ("CSV, 2 M rows", Format::Csv, "m2", false),
    ("XLSX, 200 k rows", Format::Xlsx, "k200", true),
    ("XLSX, 1 M rows", Format::Xlsx, "m1", false),
];
/// Nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// A report about one table, so that the database is the smallest part of the work.
pub(crate) const REPORT: &str = "\
id: bulk
title: {ro: Facturi, en: Invoices}
period: none
columns:
- {name: number, title: {ro: Număr, en: Number}, kind: text}
- {name: direction, title: {ro: Fel, en: Direction}, kind: text}
- {name: partner, title: {ro: Partener, en: Partner}, kind: text}
- {name: issuedOn, title: {ro: Data, en: Issued}, kind: date}
- {name: dueOn, title: {ro: Scadență, en: Due}, kind: date}
- {name: net, title: {ro: Net, en: Net}, kind: amount}
- {name: vat, title: {ro: TVA, en: VAT}, kind: amount}
- {name: total, title: {ro: Total, en: Total}, kind: amount}
sort: [issuedOn, number]
queries:
  postgres: |
    SELECT number, direction, partner, issued_on AS issuedOn, due_on AS dueOn, net, vat, net + vat AS total
      FROM invoices
     WHERE company = :company
";

/// A file both sides make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Xlsx,
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Fills the companies.
pub(crate) async fn fill(erp: &Pool) {
    for (company, rows) in COMPANIES {
        let sql = format!(
            "INSERT INTO companies VALUES ('{company}', '{company}', '', 'RON');
             INSERT INTO periods VALUES ('{company}', 202501, 2025, 1);
             INSERT INTO invoices
             SELECT '{company}', 'F' || lpad(n::text, 8, '0'), 'issued', '4111.' || lpad((n % 5000)::text, 4, '0'),
                    date '2020-01-01' + n / 600, date '2020-01-31' + n / 600, n % 100000 + 0.25, (n % 100000) * 0.19
               FROM generate_series(1, {rows}) AS n"
        );
        erp.batch(&sql).await.unwrap();
    }
    erp.batch("ANALYZE invoices").await.unwrap();
}

/// Ours and the rivals, file by file.
pub(crate) async fn measure(world: &World) {
    let ours = world.ours().await;
    let rivals = world.rivals().await;
    for (title, format, company, is_shared) in FILES {
        println!("\n{title}");
        println!(
            "{:<14} {:>9} {:>11} {:>9} {:>9} {:>12}",
            "", "seconds", "first byte", "CPU", "MiB", "memory grew"
        );
        let own = Figure::take(&ours, format, company).await;
        own.print(ours.name);
        for rival in rivals.iter().filter(|_| is_shared) {
            let figure = Figure::take(rival, format, company).await;
            figure.print(rival.name);
            println!(
                "  ours : {}   time one of {:.1}, CPU one of {:.1}",
                rival.name,
                figure.took.as_secs_f64() / own.took.as_secs_f64(),
                figure.cpu / own.cpu
            );
        }
    }
}

/// One file.
struct Figure {
    took: Duration,
    first: Duration,
    cpu: f64,
    bytes: usize,
    grew_mib: f64,
}

impl Figure {
    async fn take(subject: &Subject, format: Format, company: &str) -> Self {
        let (memory, cpu) = (subject.process.forget_peak(), subject.process.cpu_seconds());
        let begun = Instant::now();
        let answer = subject
            .client()
            .get(subject.export(format, company))
            .bearer_auth(&subject.token)
            .timeout(PATIENCE)
            .send();
        let mut answer = answer.await.unwrap().error_for_status().unwrap();
        let (mut first, mut bytes) = (None, 0);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            first.get_or_insert_with(|| begun.elapsed());
            bytes += chunk.len();
        }
        Self {
            took: begun.elapsed(),
            first: first.unwrap(),
            cpu: subject.process.cpu_seconds() - cpu,
            bytes,
            grew_mib: subject.process.peak_mib() - memory,
        }
    }

    fn print(&self, name: &str) {
        println!(
            "{name:<14} {:>9.2} {:>8.0} ms {:>7.2} s {:>9.1} {:>8.1} MiB",
            self.took.as_secs_f64(),
            self.first.as_secs_f64() * 1e3,
            self.cpu,
            self.bytes as f64 / f64::from(1 << 20),
            self.grew_mib
        );
    }
}

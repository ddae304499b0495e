//! What the booting node tells the command that started it: one JSON value per line of
//! standard output.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Event {
    /// A step began (and the one before ended).
    Step(String),
    /// The cluster can be used.
    Ready,
    /// It cannot; why, for people.
    Failed(String),
}

/// Tells the owner. Nobody listening is no failure: the owner may have let go.
pub(crate) fn report(event: &Event) {
    let line = serde_json::to_string(event).expect("strings have a JSON form");
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

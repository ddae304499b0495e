//! The audit trail, beyond reading it: sealed in a chain, verified, and shown as differences.
//!
//! ```text
//! triggers ─▶ audit_logs_dml ─ [sealer] ─▶ audit_batches ─ head ─▶ log and metric, outside the database
//!                    └──────────────── [verify] ──────────┴──────── compares ┘
//! ```
//!
//! The head of a batch is the SHA-256 of the head before it and of the SHA-256 of each row, in the order of
//! ids. So a head vouches for every row up to it.

use aws_lc_rs::digest::{Context, SHA256, digest};

pub mod difference;
pub mod sealer;
pub mod verify;
pub mod view;

/// The head before the first batch.
pub const NO_HEAD: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The head of a batch with these rows, each as the text that is vouched for. `None`: `previous` is no
/// head.
pub fn head<'a>(previous: &str, rows: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut chain = Context::new(&SHA256);
    chain.update(&hex::decode(previous).ok()?);
    for row in rows {
        chain.update(digest(&SHA256, row.as_bytes()).as_ref());
    }
    Some(hex::encode(chain.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_depends_on_the_head_before_it_on_each_row_and_on_their_order() {
        let one = head(NO_HEAD, ["a", "b"]).unwrap();
        assert_eq!(one.len(), NO_HEAD.len());
        assert_ne!(head(&one, ["a", "b"]), Some(one.clone()));
        for other in [["b", "a"], ["a", "c"], ["ab", ""]] {
            assert_ne!(head(NO_HEAD, other), Some(one.clone()));
        }
        assert_ne!(head(NO_HEAD, ["a"]), Some(one));
        assert_eq!(head("no hex", ["a"]), None);
    }
}

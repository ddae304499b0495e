//! How a rotation stands when nothing is in its way: the reasons beside those of [`trouble`].
//!
//! [`trouble`]: super::super::trouble

use crate::one_shot::trouble::reasons;

reasons! {
    /// Reasons of the conditions of a rotation that is under way or has ended.
    pub enum Standing {
        /// A step is being done.
        Working,
        /// Pods, sessions or a time are waited for.
        Waiting,
        /// The consent of a second person is waited for.
        AwaitingApproval,
        /// Another rotation of the credential is open.
        WaitingForOther,
        /// Only the plan was wanted.
        DryRun,
        /// The new value is in use, the old one refused.
        Succeeded,
        /// The deadline passed first.
        DeadlineExceeded,
        /// It was deleted first.
        Cancelled,
    }
}

//! Bugs to plant. Each is in the simulated surroundings, where somebody who connects the state
//! machines to real stores, clocks and requests could make it.

/// What is wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing.
    None,
    /// A lease is prolonged without reading, because no wake-up came.
    ReliesOnWakeUps,
    /// A token is valid if any level says so.
    LevelsCombinedWithOr,
    /// A read shows a snapshot from before it was sent: a replica, a transaction left open.
    ReadFromEarlierSnapshot,
    /// Revisions come from a sequence and become visible out of order.
    CommitsOutOfOrder,
    /// The revoker wakes and waits from when it sent the raise, not from when it was committed.
    CommitAssumed,
    /// A lease counts from the answer instead of the question.
    LeaseFromAnswer,
    /// Leases are measured by a clock that somebody sets.
    ClockJumps,
    /// The wait of a revoker is a lease without a margin for the rates of clocks.
    NoRateMargin,
    /// A request that needs the store takes the answer of a read sent before it began.
    JoinsEarlierRead,
    /// Without the store, requests are accepted.
    FailsOpen,
    /// A process serves without having been registered.
    ServesUnregistered,
    /// A process takes leases though it was expelled.
    IgnoresExpulsion,
    /// An expelled process is removed at once.
    RemovesAtOnce,
    /// A wake-up is confirmed when it arrives, before anything was read.
    ConfirmsWakeUps,
}

impl Flaw {
    pub(super) const ALL: [Self; 14] = [
        Self::ReliesOnWakeUps,
        Self::LevelsCombinedWithOr,
        Self::ReadFromEarlierSnapshot,
        Self::CommitsOutOfOrder,
        Self::CommitAssumed,
        Self::LeaseFromAnswer,
        Self::ClockJumps,
        Self::NoRateMargin,
        Self::JoinsEarlierRead,
        Self::FailsOpen,
        Self::ServesUnregistered,
        Self::IgnoresExpulsion,
        Self::RemovesAtOnce,
        Self::ConfirmsWakeUps,
    ];
}

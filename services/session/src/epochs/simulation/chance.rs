//! Random numbers that depend on the seed alone (SplitMix64).

use super::{MICRO, Nanos};

#[derive(Clone, Debug)]
pub(in crate::epochs) struct Chance(u64);

impl Chance {
    pub(in crate::epochs) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub(in crate::epochs) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(in crate::epochs) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    pub(in crate::epochs) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(in crate::epochs) fn thousandths(&mut self, odds: u64) -> bool {
        self.below(1_000) < odds
    }

    /// How long a message takes on a good day.
    pub(in crate::epochs) fn hop(&mut self) -> Nanos {
        self.between(100 * MICRO, 1_000 * MICRO)
    }

    pub(in crate::epochs) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).ok()?)
    }
}

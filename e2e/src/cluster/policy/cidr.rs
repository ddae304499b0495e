//! IPv4 address blocks, and one taken out of another.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cidr {
    address: u32,
    length: u8,
}

impl Cidr {
    fn new(address: u32, length: u8) -> Self {
        Self {
            address: address & mask(length),
            length,
        }
    }

    fn contains(self, other: Self) -> bool {
        self.length <= other.length && other.address & mask(self.length) == self.address
    }

    /// The blocks that together are this one without `holes`.
    pub(super) fn without(self, holes: &[Self]) -> Vec<Self> {
        if holes.iter().any(|hole| hole.contains(self)) {
            return Vec::new();
        }
        if !holes.iter().any(|hole| self.contains(*hole)) {
            return vec![self];
        }
        let length = self.length + 1;
        let upper = self.address | (1 << (32 - length));
        let halves = [Self::new(self.address, length), Self::new(upper, length)];
        halves
            .into_iter()
            .flat_map(|half| half.without(holes))
            .collect()
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

impl From<Ipv4Addr> for Cidr {
    fn from(address: Ipv4Addr) -> Self {
        Self::new(address.to_bits(), 32)
    }
}

/// Not an IPv4 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IPv4 address block")]
pub(super) struct NotIpv4;

impl FromStr for Cidr {
    type Err = NotIpv4;

    fn from_str(text: &str) -> Result<Self, NotIpv4> {
        let (address, length) = text.split_once('/').ok_or(NotIpv4)?;
        let address: Ipv4Addr = address.parse().map_err(|_| NotIpv4)?;
        let length: u8 = length.parse().map_err(|_| NotIpv4)?;
        if length > 32 {
            return Err(NotIpv4);
        }
        Ok(Self::new(address.to_bits(), length))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.address), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn shown(blocks: &[Cidr]) -> Vec<String> {
        blocks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_hole_splits_a_block_around_it() {
        let left = cidr("10.0.0.0/30").without(&[cidr("10.0.0.2/32")]);
        assert_eq!(shown(&left), ["10.0.0.0/31", "10.0.0.3/32"]);
    }

    #[test]
    fn a_hole_elsewhere_changes_nothing_and_a_larger_one_leaves_nothing() {
        let block = cidr("10.0.0.0/24");
        assert_eq!(block.without(&[cidr("10.0.1.0/24")]), [block]);
        assert_eq!(block.without(&[cidr("10.0.0.0/8")]), []);
    }

    #[test]
    fn everything_without_one_address_is_thirty_two_blocks() {
        let left = cidr("0.0.0.0/0").without(&[cidr("1.2.3.4/32")]);
        assert_eq!(left.len(), 32);
        assert!(!left.iter().any(|block| block.contains(cidr("1.2.3.4/32"))));
    }

    #[test]
    fn host_bits_are_dropped_and_other_families_are_refused() {
        assert_eq!(cidr("10.0.0.7/24").to_string(), "10.0.0.0/24");
        for bad in ["10.0.0.0", "10.0.0.0/33", "fd00::/8", "x/8"] {
            assert_eq!(bad.parse::<Cidr>(), Err(NotIpv4), "{bad}");
        }
    }
}

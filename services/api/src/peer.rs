//! Who is at the other end: the peer of the connection, or the client a trusted proxy names.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;

/// Address of the peer of a connection, set on every request by the accept loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    bits: u8,
}

/// A text that is not a block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address block such as 10.0.0.0/8")]
pub struct CidrError {
    text: String,
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let error = || CidrError {
            text: text.to_owned(),
        };
        let (network, bits) = match text.split_once('/') {
            Some((network, bits)) => (network, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = network.parse().map_err(|_| error())?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width),
            None => Some(width),
        };
        Ok(Self {
            network,
            bits: bits.ok_or_else(error)?,
        })
    }
}

impl Cidr {
    /// Whether the address lies in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The address a request really comes from: walking back from us, the first one that is not a
/// trusted proxy. Headers of an untrusted peer are not looked at.
pub fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    let mut address = peer.ip().to_canonical();
    let mut hops = forwarded_for(headers);
    while is_trusted(address) {
        match hops.pop() {
            Some(hop) => address = hop,
            None => break,
        }
    }
    address
}

/// The key under which attempts from an address are counted: a whole /64 for IPv6, where one
/// customer owns that many addresses.
pub fn throttle_key(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}/64", address.to_bits() >> 64),
    }
}

/// Addresses named by `X-Forwarded-For`, or else `Forwarded` (RFC 7239), nearest last. Anything
/// that is not an address ends the chain: what lies beyond it cannot be trusted.
fn forwarded_for(headers: &HeaderMap) -> Vec<IpAddr> {
    let joined = |name: &str| -> Option<String> {
        let values = headers.get_all(name).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let hops: Vec<Option<IpAddr>> = if let Some(list) = joined("x-forwarded-for") {
        list.split(',').map(parse_hop).collect()
    } else if let Some(list) = joined("forwarded") {
        list.split(',').map(parse_forwarded).collect()
    } else {
        Vec::new()
    };
    let mut trusted: Vec<IpAddr> = hops.into_iter().rev().map_while(|hop| hop).collect();
    trusted.reverse();
    trusted
}

fn parse_forwarded(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs
        .into_iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    parse_hop(value.trim().trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop.parse::<IpAddr>().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address
        .or_else(bracketed)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            http::HeaderValue::from_static(value),
        )])
    }

    fn client(peer: &str, headers: &HeaderMap, trusted: &[&str]) -> String {
        let trusted: Vec<Cidr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), headers, &trusted).to_string()
    }

    #[test]
    fn blocks_contain_their_addresses_only() {
        let block: Cidr = "10.1.0.0/16".parse().unwrap();
        assert!(block.contains("10.1.255.1".parse().unwrap()));
        assert!(block.contains("::ffff:10.1.0.1".parse().unwrap()));
        assert!(!block.contains("10.2.0.1".parse().unwrap()));
        let all: Cidr = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        let one: Cidr = "2001:db8::1".parse().unwrap();
        assert!(one.contains("2001:db8::1".parse().unwrap()));
        assert!(!one.contains("2001:db8::2".parse().unwrap()));
        for bad in ["10.0.0.0/33", "ten", "10.0.0.0/x", ""] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_of_an_untrusted_peer_are_ignored() {
        let headers = headers("x-forwarded-for", "198.51.100.1");
        assert_eq!(
            client("203.0.113.5:9", &headers, &["10.0.0.0/8"]),
            "203.0.113.5"
        );
    }

    #[test]
    fn the_nearest_untrusted_hop_is_the_client_whatever_it_claims() {
        let headers = headers("x-forwarded-for", "1.2.3.4, 198.51.100.1, 10.0.0.7");
        assert_eq!(
            client("10.0.0.9:9", &headers, &["10.0.0.0/8"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn the_standard_header_is_understood_with_ports_and_quotes() {
        let headers = headers("forwarded", "for=\"[2001:db8::7]:4711\";proto=https");
        assert_eq!(
            client("10.0.0.9:9", &headers, &["10.0.0.0/8"]),
            "2001:db8::7"
        );
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_chain() {
        let headers = headers("x-forwarded-for", "198.51.100.1, unknown, 10.0.0.7");
        assert_eq!(client("10.0.0.9:9", &headers, &["10.0.0.0/8"]), "10.0.0.7");
    }
}

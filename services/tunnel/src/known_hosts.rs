//! `known_hosts` lines, as ssh-keyscan(1) prints them and sshd(8) defines them.
//!
//! Understood: plain names, wildcards `*` and `?`, negation `!`, `[host]:port`, hashed names
//! (`|1|salt|hash`), several keys, `@revoked`. `@cert-authority` is refused rather than skipped,
//! since a person who wrote it expects it to count. As in OpenSSH, lines without a port count for
//! a bastion on another port when no line names that port.
//!
//! Pure: lines in, verdicts out. Keys are compared as bytes and never interpreted.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line of `knownHosts` cannot be used. `line` counts from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnownHostsError {
    /// A certificate authority was given.
    #[error(
        "line {line} of knownHosts is a @cert-authority, which is not supported; list the \
         bastion's own host keys, as ssh-keyscan prints them"
    )]
    CertAuthority {
        /// Number of the line.
        line: usize,
    },
    /// A marker that sshd(8) does not define.
    #[error("line {line} of knownHosts starts with the unknown marker `{marker}`")]
    UnknownMarker {
        /// Number of the line.
        line: usize,
        /// The marker.
        marker: String,
    },
    /// Not `hosts algorithm key`.
    #[error("line {line} of knownHosts is not of the form `host algorithm base64-key`")]
    Malformed {
        /// Number of the line.
        line: usize,
    },
    /// No line is about the bastion.
    #[error(
        "knownHosts has no line for {host}; add what \
         `ssh-keyscan -t ed25519,ecdsa -p {port} {name}` prints, once it is verified"
    )]
    NoneForHost {
        /// The name looked for, as it would stand in a line.
        host: String,
        /// The bastion's name.
        name: String,
        /// The bastion's port.
        port: u16,
    },
    /// The bastion is known by kinds of keys that cannot be verified here.
    #[error(
        "knownHosts has only {kinds} keys for {host}, which this tunnel cannot verify; add the \
         bastion's ssh-ed25519 or ecdsa-sha2-* host key"
    )]
    NoUsableKey {
        /// The bastion, as it would stand in a line.
        host: String,
        /// Kinds of the keys found.
        kinds: String,
    },
}

/// A public key as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

/// What is known about the keys of one bastion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHosts {
    trusted: Vec<HostKey>,
    revoked: Vec<HostKey>,
}

/// Whether a host key may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is listed.
    Trusted,
    /// The key is not listed.
    Unknown,
    /// The key is listed as revoked, which outweighs any other line.
    Revoked,
}

impl KnownHosts {
    /// Reads what `lines` say about the bastion `host` on `port`.
    ///
    /// # Errors
    /// [`KnownHostsError`]; a line about another host is an error too when it cannot be read.
    pub fn parse(lines: &[String], host: &str, port: u16) -> Result<Self, KnownHostsError> {
        let mut entries = Vec::new();
        for (number, line) in lines.iter().flat_map(|entry| entry.lines()).enumerate() {
            if let Some(entry) = parse_line(line.trim(), number + 1)? {
                entries.push(entry);
            }
        }
        let host = host.to_ascii_lowercase();
        let with_port = if port == 22 {
            host.clone()
        } else {
            format!("[{host}]:{port}")
        };
        let named = keys_for(&entries, &with_port, false);
        let trusted = if named.is_empty() {
            keys_for(&entries, &host, false)
        } else {
            named
        };
        let mut revoked = keys_for(&entries, &with_port, true);
        revoked.extend(keys_for(&entries, &host, true));
        if trusted.is_empty() {
            return Err(KnownHostsError::NoneForHost {
                host: with_port,
                name: host,
                port,
            });
        }
        let known = Self { trusted, revoked };
        if known.algorithms().next().is_none() {
            let kinds: Vec<_> = known
                .trusted
                .iter()
                .map(|key| key.algorithm.as_str())
                .collect();
            return Err(KnownHostsError::NoUsableKey {
                host: with_port,
                kinds: kinds.join(", "),
            });
        }
        Ok(known)
    }

    /// Whether the key `blob` (RFC 4253, 6.6) may be trusted.
    pub fn check(&self, blob: &[u8]) -> Verdict {
        let holds = |keys: &[HostKey]| keys.iter().any(|key| key.blob == blob);
        if holds(&self.revoked) {
            Verdict::Revoked
        } else if holds(&self.trusted) {
            Verdict::Trusted
        } else {
            Verdict::Unknown
        }
    }

    /// Algorithms of the listed keys that can be verified here, to be negotiated first.
    pub fn algorithms(&self) -> impl Iterator<Item = &str> {
        let is_usable =
            |name: &&str| *name == "ssh-ed25519" || name.starts_with("ecdsa-sha2-nistp");
        self.trusted
            .iter()
            .map(|key| key.algorithm.as_str())
            .filter(is_usable)
    }
}

struct Entry {
    revoked: bool,
    patterns: String,
    key: HostKey,
}

fn keys_for(entries: &[Entry], host: &str, revoked: bool) -> Vec<HostKey> {
    entries
        .iter()
        .filter(|entry| entry.revoked == revoked && matches_host(&entry.patterns, host))
        .map(|entry| entry.key.clone())
        .collect()
}

fn parse_line(line: &str, number: usize) -> Result<Option<Entry>, KnownHostsError> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut fields = line.split_whitespace().peekable();
    let revoked = match fields.next_if(|field| field.starts_with('@')) {
        None => false,
        Some("@revoked") => true,
        Some("@cert-authority") => {
            return Err(KnownHostsError::CertAuthority { line: number });
        }
        Some(marker) => {
            let marker = marker.to_owned();
            return Err(KnownHostsError::UnknownMarker {
                line: number,
                marker,
            });
        }
    };
    let malformed = KnownHostsError::Malformed { line: number };
    let (Some(patterns), Some(algorithm), Some(key)) =
        (fields.next(), fields.next(), fields.next())
    else {
        return Err(malformed);
    };
    let Ok(blob) = STANDARD.decode(key) else {
        return Err(malformed);
    };
    if !starts_with_name(&blob, algorithm) {
        return Err(malformed);
    }
    let key = HostKey {
        algorithm: algorithm.to_owned(),
        blob,
    };
    Ok(Some(Entry {
        revoked,
        patterns: patterns.to_owned(),
        key,
    }))
}

/// A key begins with the name of its algorithm as an SSH string; a line that says otherwise was
/// cut or pasted together.
fn starts_with_name(blob: &[u8], algorithm: &str) -> bool {
    let Some((length, rest)) = blob.split_first_chunk::<4>() else {
        return false;
    };
    let length = u32::from_be_bytes(*length) as usize;
    rest.get(..length) == Some(algorithm.as_bytes()) && rest.len() > length
}

fn matches_host(patterns: &str, host: &str) -> bool {
    let mut matched = false;
    for pattern in patterns.split(',') {
        if let Some(pattern) = pattern.strip_prefix('!') {
            if matches_pattern(pattern, host) {
                return false;
            }
        } else {
            matched |= matches_pattern(pattern, host);
        }
    }
    matched
}

fn matches_pattern(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("|1|") {
        Some(hashed) => matches_hash(hashed, host),
        None => matches_wildcard(pattern.to_ascii_lowercase().as_bytes(), host.as_bytes()),
    }
}

/// `salt|hash`, both base64, where hash is HMAC-SHA1 of the host under the salt. SHA-1 hides the
/// name from a reader of the file; nothing about trust rests on it.
fn matches_hash(hashed: &str, host: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, host.as_bytes(), &hash).is_ok()
}

/// Matches `*` and `?` by backtracking to the last star only, which is enough for globs and
/// linear in practice.
fn matches_wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else {
                    return false;
                };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests;

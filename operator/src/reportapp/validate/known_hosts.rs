//! Whether `known_hosts` lines name a usable host key of a bastion. Pure.
//!
//! The tunnel decides about keys; this check only saves the user a pod that cannot start, so where
//! it does not look closely (wildcards, negation) it lets a line pass.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::ssh_string;

/// Why no host key can be taken from the lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKnownHosts {
    /// Not a line of a `known_hosts` file; counts from 1.
    #[error("line {line} is not of the form `host algorithm base64-key`, as ssh-keyscan prints it")]
    Malformed {
        /// Number of the line.
        line: usize,
    },
    /// A marker that cannot be honoured.
    #[error(
        "line {line} starts with {marker}, which is not supported; list the bastion's own host keys"
    )]
    Marker {
        /// Number of the line.
        line: usize,
        /// The marker.
        marker: String,
    },
    /// No usable key of the bastion.
    #[error(
        "no ed25519 or ecdsa host key for {name}; get it with: ssh-keyscan -t ed25519,ecdsa -p {port} {host}, and \
         compare it with what the bastion's administrator tells you"
    )]
    NoKey {
        /// How the lines would name the bastion.
        name: String,
        /// Host of the bastion.
        host: String,
        /// Port of the bastion.
        port: u16,
    },
}

/// Checks that the lines can be read and hold a usable key of `host`.
///
/// # Errors
/// The first thing wrong.
pub fn check(lines: &[String], host: &str, port: u16) -> Result<(), UnusableKnownHosts> {
    let plain = host.to_ascii_lowercase();
    let with_port = format!("[{plain}]:{port}");
    let mut found = false;
    for (index, line) in lines.iter().flat_map(|entry| entry.lines()).enumerate() {
        let line_number = index + 1;
        let mut fields = line.split_whitespace().peekable();
        let marker = fields.next_if(|field| field.starts_with('@'));
        match (marker, fields.peek()) {
            (None, None) => continue,
            (None, Some(first)) if first.starts_with('#') => continue,
            (None | Some("@revoked"), _) => {}
            (Some(marker), _) => {
                return Err(UnusableKnownHosts::Marker {
                    line: line_number,
                    marker: marker.to_owned(),
                });
            }
        }
        let malformed = UnusableKnownHosts::Malformed { line: line_number };
        let (Some(names), Some(algorithm), Some(key)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed);
        };
        let blob = STANDARD.decode(key).map_err(|_| malformed.clone())?;
        // A key begins with its own algorithm; a line that says otherwise was pasted together.
        if ssh_string(&blob).is_none_or(|(kind, _)| kind != algorithm.as_bytes()) {
            return Err(malformed);
        }
        let usable = algorithm == "ssh-ed25519" || algorithm.starts_with("ecdsa-sha2-nistp");
        let ours = names
            .split(',')
            .any(|name| names_host(name, &plain) || names_host(name, &with_port));
        found |= marker.is_none() && usable && ours;
    }
    if found {
        return Ok(());
    }
    Err(UnusableKnownHosts::NoKey {
        name: if port == 22 { plain } else { with_port },
        host: host.to_owned(),
        port,
    })
}

fn names_host(name: &str, host: &str) -> bool {
    if let Some((salt, hash)) = name
        .strip_prefix("|1|")
        .and_then(|rest| rest.split_once('|'))
    {
        let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
        return hmac::verify(&key, host.as_bytes(), &hash).is_ok();
    }
    name.eq_ignore_ascii_case(host) || name.contains(['*', '?', '!'])
}

//! Lines as ssh-keygen wrote them, and lines it would never write.

use super::*;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMJ/h3N7gagRn/5kzfwexWFHZmNIb3VJegGNHkG7ygyn";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD4x7VfnvoIGUW4nVUS9DoU83n03+HuQaHnbEBFyMWzq/fMZQvaA3Upaqw0IbkgUJMK2ev2XoHI+f8cZglWY/kI=";
/// `[bastion.example]:2222`, hashed by ssh-keygen -H.
const HASHED_2222: &str = "|1|saMts0F6pN06NGVNHekTiruxCwM=|FZKyKosIwGSrdP5cRMyISr+MUgc=";
/// `bastion.example`, hashed by ssh-keygen -H.
const HASHED: &str = "|1|STLyOPFxN/uTlH5pEuYg6Qt79TQ=|xPXZZqUdzr5uMvOAt80T63vdH8E=";

fn blob(key: &str) -> Vec<u8> {
    STANDARD.decode(key.split_once(' ').unwrap().1).unwrap()
}

fn parse(lines: &[String], port: u16) -> Result<KnownHosts, KnownHostsError> {
    KnownHosts::parse(lines, "bastion.example", port)
}

#[track_caller]
fn assert_trusts(hosts: &str, port: u16, expected: bool) {
    let lines = [format!("{hosts} {ED25519} a comment")];
    match parse(&lines, port) {
        Ok(known) => assert_eq!(known.check(&blob(ED25519)) == Verdict::Trusted, expected),
        Err(KnownHostsError::NoneForHost { .. }) => assert!(!expected, "{hosts} is not found"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn plain_and_hashed_names_are_found() {
    assert_trusts("bastion.example", 22, true);
    assert_trusts("other,BASTION.example", 22, true);
    assert_trusts(HASHED, 22, true);
    assert_trusts("other.example", 22, false);
}

#[test]
fn a_port_other_than_22_is_part_of_the_name() {
    assert_trusts("[bastion.example]:2222", 2222, true);
    assert_trusts(HASHED_2222, 2222, true);
    assert_trusts("[bastion.example]:2222", 2223, false);
    assert_trusts(HASHED_2222, 22, false);
}

#[test]
fn a_line_without_a_port_counts_only_when_no_line_names_the_port() {
    assert_trusts("bastion.example", 2222, true);
    assert_trusts(HASHED, 2222, true);
    let lines = [
        format!("bastion.example {ED25519}"),
        format!("[bastion.example]:2222 {ECDSA}"),
    ];
    let known = parse(&lines, 2222).unwrap();
    assert_eq!(known.check(&blob(ED25519)), Verdict::Unknown);
    assert_eq!(known.check(&blob(ECDSA)), Verdict::Trusted);
}

#[test]
fn wildcards_match_and_a_negation_outweighs_them() {
    assert_trusts("*.example", 22, true);
    assert_trusts("b?stion.*", 22, true);
    assert_trusts("*.example,!bastion.*", 22, false);
    assert_trusts("*.exampl", 22, false);
    assert_trusts("[*]:2222", 2222, true);
}

#[test]
fn any_of_several_keys_is_trusted_and_each_kind_is_offered() {
    let lines = [format!(
        "bastion.example {ED25519}\nbastion.example {ECDSA}\n"
    )];
    let known = parse(&lines, 22).unwrap();
    assert_eq!(known.check(&blob(ED25519)), Verdict::Trusted);
    assert_eq!(known.check(&blob(ECDSA)), Verdict::Trusted);
    let algorithms: Vec<_> = known.algorithms().collect();
    assert_eq!(algorithms, ["ssh-ed25519", "ecdsa-sha2-nistp256"]);
}

#[test]
fn a_revoked_key_is_never_trusted() {
    let lines = [
        format!("bastion.example {ED25519}"),
        format!("bastion.example {ECDSA}"),
        format!("@revoked * {ED25519}"),
    ];
    let known = parse(&lines, 22).unwrap();
    assert_eq!(known.check(&blob(ED25519)), Verdict::Revoked);
    assert_eq!(known.check(&blob(ECDSA)), Verdict::Trusted);
}

#[test]
fn comments_and_empty_lines_are_skipped() {
    let lines = [
        "# bastion.example x y".to_owned(),
        String::new(),
        format!("* {ED25519}"),
    ];
    assert!(parse(&lines, 22).is_ok());
}

#[test]
fn a_certificate_authority_is_refused_by_line_even_for_another_host() {
    let lines = [
        format!("bastion.example {ED25519}"),
        format!("@cert-authority *.other {ED25519}"),
    ];
    assert_eq!(
        parse(&lines, 22),
        Err(KnownHostsError::CertAuthority { line: 2 })
    );
}

#[test]
fn lines_that_cannot_be_read_are_refused_by_number() {
    let truncated = ED25519.rsplit_once('/').unwrap().0;
    for line in [
        "bastion.example ssh-ed25519",
        "bastion.example ssh-ed25519 !!!",
        "bastion.example ssh-ed25519 AAAA",
        &format!(
            "bastion.example {}",
            ED25519.replace("ssh-ed25519", "ssh-rsa")
        ),
        &format!("bastion.example {truncated}"),
    ] {
        let lines = [format!("bastion.example {ED25519}"), line.to_owned()];
        let refused = parse(&lines, 22);
        assert_eq!(
            refused,
            Err(KnownHostsError::Malformed { line: 2 }),
            "{line}"
        );
    }
    let marked = [format!("@trusted bastion.example {ED25519}")];
    assert!(matches!(
        parse(&marked, 22),
        Err(KnownHostsError::UnknownMarker { line: 1, .. })
    ));
}

#[test]
fn no_line_and_no_usable_key_are_told_apart() {
    assert!(matches!(
        parse(&[], 22),
        Err(KnownHostsError::NoneForHost { .. })
    ));
    let rsa = STANDARD.encode(b"\0\0\0\x07ssh-rsaXYZ");
    let lines = [format!("bastion.example ssh-rsa {rsa}")];
    assert!(matches!(
        parse(&lines, 22),
        Err(KnownHostsError::NoUsableKey { .. })
    ));
}

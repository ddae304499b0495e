//! What a server must offer, and what is said when it does not.

use reportapp_config::database::TlsMode;
use reportapp_operator::backend::redis::Redis;
use reportapp_operator::backend::{Admin, BackendError};
use reportapp_operator::rotation::ledger::SecretText;

use super::server::{ADMIN, FIRST, Server, Users, ask, free_port};
use super::{SECOND, accepted, text};

#[tokio::test]
async fn a_server_that_cannot_save_is_refused_with_the_remedy() {
    let server = Server::start(Users::Nowhere).await;
    let problem = text(server.backend().preflight().await);
    assert!(problem.contains("start it with --aclfile"), "{problem}");

    let server = Server::start(Users::AclFile).await;
    server.lose_users_folder();
    let problem = text(server.backend().preflight().await);
    assert!(problem.contains("put it on a writable volume"), "{problem}");
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_changed() {
    let server = Server::start(Users::AclFile).await;
    let rights = [
        "-info",
        "-acl|getuser",
        "-acl|setuser",
        "-acl|save",
        "-client|list",
        "-client|kill",
        "-watch",
        "-multi",
        "-exec",
        "-hget",
        "-hset",
        "-hdel",
        "resetkeys",
    ];
    let administrator = server.root::<Vec<String>>(&["ACL", "LIST"]).await;
    let begin = "user reportapp-operator ";
    let line = administrator
        .iter()
        .find_map(|line| line.strip_prefix(begin))
        .unwrap();
    for right in rights {
        let mut command = vec!["ACL", "SETUSER", "reportapp-operator", "reset"];
        command.extend(line.split(' '));
        command.push(right);
        let () = server.root(&command).await;
        match server.backend().preflight().await {
            Err(BackendError::RightMissing(problem)) => {
                assert!(
                    problem.contains("ACL SETUSER reportapp-operator ~reportapp"),
                    "{problem}"
                );
            }
            other => panic!("without {right}: {other:?}"),
        }
    }

    let wrong = server
        .backend_of("shop", "reportapp-operator", "wrong")
        .preflight()
        .await;
    assert!(
        matches!(wrong, Err(BackendError::AdminRefused(_))),
        "{wrong:?}"
    );
    let itself = text(server.backend_of("shop", "shop_b", "any").preflight().await);
    assert!(itself.contains("name another administrator"), "{itself}");
    let root = server.backend_of("nobody", "root", "canary-redis-root");
    assert!(text(root.preflight().await).contains("does not exist"));
    assert!(text(root.prepare(1, "nobody_a", SECOND).await).contains("does not exist"));
    assert!(text(root.prepare(1, "shop_a", SECOND).await).contains("does not belong"));
    assert!(text(root.disable(1, "shop").await).contains("does not belong"));

    let () = server.root(&["ACL", "SETUSER", "shop", "nopass"]).await;
    let root = server.backend_of("shop", "root", "canary-redis-root");
    assert!(text(root.preflight().await).contains("nopass"));
    assert!(text(root.add_password(1, "shop", SECOND).await).contains("nopass"));
}

#[tokio::test]
async fn the_default_user_has_no_twins() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend_of("default", "reportapp-operator", ADMIN);
    let notes = backend.preflight().await.unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("only be rotated with two passwords"))
    );
    assert!(text(backend.prepare(1, "default_a", SECOND).await).contains("no twins"));
    backend.add_password(1, "default", SECOND).await.unwrap();
    accepted(&backend, "default", SECOND).await;
}

#[tokio::test]
async fn a_full_server_is_not_taken_for_a_refusal() {
    let server = Server::start(Users::AclFile).await;
    // Room for the administrator's connection beside the one that sets this.
    let mut root = server.login("root", "canary-redis-root").await.unwrap();
    let () = ask(&mut root, &["CONFIG", "SET", "maxclients", "2"])
        .await
        .unwrap();
    let answer = server.backend().login("shop", "wrong").await;
    assert!(
        matches!(answer, Err(BackendError::Unreachable(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_certificate_is_verified_under_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["redis.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let port_text = port.to_string();
    let arguments = [
        "--tls-port",
        &port_text,
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        certificate.to_str().unwrap(),
        "--tls-key-file",
        key.to_str().unwrap(),
    ];
    let server = Server::start_with(Users::AclFile, &arguments).await;
    let backend = |authority: Option<String>, name: Option<&str>| {
        let mut endpoint = server.endpoint();
        endpoint.port = port;
        endpoint.tls = TlsMode::VerifyFull;
        endpoint.authority = authority;
        endpoint.server_name = name.map(str::to_owned);
        let admin = Admin {
            username: "reportapp-operator".to_owned(),
            password: SecretText::new(ADMIN),
        };
        Redis::new(
            endpoint,
            admin,
            "shop".to_owned(),
            "shop/shop/redis".to_owned(),
        )
    };
    let authority = Some(pair.cert.pem());
    let trusted = backend(authority.clone(), Some("redis.example")).unwrap();
    trusted.preflight().await.unwrap();
    accepted(&trusted, "shop", FIRST).await;
    for untrusted in [
        backend(authority, None),
        backend(None, Some("redis.example")),
    ] {
        let answer = untrusted.unwrap().preflight().await;
        assert!(
            matches!(answer, Err(BackendError::Unreachable(_))),
            "{answer:?}"
        );
    }
    assert!(text(backend(Some("nonsense".to_owned()), None)).contains("not a PEM certificate"));
}

//! What administrators change is felt by the next request ([`felt`]), and nobody reaches higher than they
//! stand ([`rules`]).

use reportapp_session::access::UserKind;
use serde_json::{Value, json};

use crate::test_support::{Answer, TestApp, request};

mod felt;
mod rules;

/// An application with an enterprise administrator.
struct Office {
    test: TestApp,
    root: String,
    root_token: String,
}

impl Office {
    async fn open() -> Self {
        let test = TestApp::start().await;
        let root = test
            .join("root", UserKind::EnterpriseAdmin, None, None)
            .await;
        let root_token = test.token_of(&root).await;
        Self {
            test,
            root,
            root_token,
        }
    }

    /// As the enterprise administrator.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.test
            .ask_as(&self.root_token, method, path, Some(body))
            .await
    }

    /// As [`Office::ask`], and it is done.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        match answer.text.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    }

    /// As somebody who is not signed in, and it is done.
    async fn open_way(&self, path: &str, body: Value) -> Value {
        let answer = self.test.call(request("POST", path, Some(body))).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    }

    async fn tenant(&self, name: &str) -> String {
        let tenant = self
            .done("POST", "/api/tenants", json!({"name": name}))
            .await;
        tenant["id"].as_str().unwrap().to_owned()
    }
}

fn user(id: &str) -> String {
    format!("/api/users/{id}")
}

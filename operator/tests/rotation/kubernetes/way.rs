//! The way of one operator to the API server, on which one change goes wrong: the operator dies before or
//! after it, or lives and only the change, or its answer, is lost. Around each change somebody looks.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, pending};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use kube::Client;
use kube::client::Body;
use serde_json::Value as Json;
use tokio::sync::{Notify, watch};
use tower::service_fn;

use super::api_server::{Answer, ApiServer, NAMESPACE, Request, failure};
use crate::crashing::{Mishap, Plan};

/// Called before and after each change.
pub type Look = Arc<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>;

/// One operator's way.
pub struct Way {
    server: Arc<ApiServer>,
    plan: Plan,
    look: Look,
    changes: Mutex<Vec<String>>,
    lists_of_secrets: watch::Sender<Vec<Request>>,
    died: Notify,
}

impl Way {
    pub fn new(server: Arc<ApiServer>, plan: Plan, look: Look) -> Arc<Self> {
        Arc::new(Self {
            server,
            plan,
            look,
            changes: Mutex::default(),
            lists_of_secrets: watch::Sender::default(),
            died: Notify::new(),
        })
    }

    /// The client of the operator.
    pub fn client(self: &Arc<Self>) -> Client {
        let way = Arc::clone(self);
        let service = service_fn(move |request| {
            let way = Arc::clone(&way);
            async move { way.travel(request).await }
        });
        Client::new(service, NAMESPACE)
    }

    /// Returns when the operator is dead; nothing it began goes on.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// The changes in their order.
    pub fn changes(&self) -> Vec<String> {
        self.changes.lock().unwrap().clone()
    }

    /// How Secrets were listed and watched, in order.
    pub fn lists_of_secrets(&self) -> watch::Receiver<Vec<Request>> {
        self.lists_of_secrets.subscribe()
    }

    async fn travel(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Infallible> {
        let request = read(request).await;
        if request.is_list_of("secrets") {
            let lists = &self.lists_of_secrets;
            lists.send_modify(|lists| lists.push(request.clone()));
        }
        let answer = match request.is_change() {
            true => self.change(&request).await,
            false => self.server.answer(&request),
        };
        let Some((status, body)) = answer else {
            return pending().await;
        };
        let mut answer = http::Response::new(Body::from(body.to_string().into_bytes()));
        *answer.status_mut() = status;
        Ok(answer)
    }

    async fn change(&self, request: &Request) -> Answer {
        let what = request.in_words();
        let number = {
            let mut changes = self.changes.lock().unwrap();
            changes.push(what.clone());
            changes.len() - 1
        };
        let mishap = self.plan.at.filter(|(at, _)| *at == number);
        let mishap = mishap.map(|(_, mishap)| mishap);
        let lost = || {
            Some(failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "lost",
            ))
        };
        (self.look)(format!("before {what}")).await;
        match mishap {
            Some(Mishap::DiesBefore | Mishap::DiesHalfway) => return self.die(),
            Some(Mishap::Refused) => return lost(),
            _ => {}
        }
        let answer = self.server.answer(request);
        (self.look)(format!("after {what}")).await;
        match mishap {
            Some(Mishap::DiesAfter) => self.die(),
            Some(Mishap::AnswerLost) => lost(),
            _ => answer,
        }
    }

    fn die(&self) -> Answer {
        self.died.notify_one();
        None
    }
}

async fn read(request: http::Request<Body>) -> Request {
    let (parts, body) = request.into_parts();
    let body = body.collect_bytes().await.unwrap();
    let is_apply =
        text(&parts.headers, header::CONTENT_TYPE).starts_with("application/apply-patch");
    let body = match parts.method {
        Method::GET => Json::Null,
        _ => serde_json::from_slice(&body).unwrap(),
    };
    Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        is_apply,
        accept: text(&parts.headers, header::ACCEPT),
        body,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

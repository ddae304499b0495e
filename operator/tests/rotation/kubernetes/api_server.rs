//! An API server in memory, as much of one as a rotation uses: objects by path, versions that refuse the
//! later of two writers, merge patches and applies. It knows no schema and no rights, and its watches
//! never tell anything. Workloads are rolled out in the moment their template changes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value as Json, json};

/// Where the objects of the tests are.
pub const NAMESPACE: &str = "reports";

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: String,
    /// Whether a patch is an apply.
    pub is_apply: bool,
    /// In which form the answer is wanted.
    pub accept: String,
    pub body: Json,
}

impl Request {
    /// Whether it changes an object. Events tell, they decide nothing.
    pub fn is_change(&self) -> bool {
        self.method != Method::GET && !self.path.contains("/events")
    }

    /// Whether it asks for all the objects of a type, or watches them.
    pub fn is_list_of(&self, plural: &str) -> bool {
        self.method == Method::GET && self.path.ends_with(&format!("/{plural}"))
    }

    /// Verb, and resource with subresource, without namespace.
    pub fn in_words(&self) -> String {
        let tail = self.path.split(&format!("/{NAMESPACE}/")).nth(1);
        let verb = self.method.as_str().to_lowercase();
        format!("{verb} {}", tail.unwrap_or_default())
    }
}

/// An answer; `None` when it never comes.
pub type Answer = Option<(StatusCode, Json)>;

#[derive(Default)]
pub struct ApiServer {
    objects: Mutex<Objects>,
}

#[derive(Default)]
struct Objects {
    by_path: BTreeMap<String, Json>,
    versions: u64,
    /// Fields of the status in which the workload at a path lags behind.
    lags: BTreeMap<String, Json>,
}

impl ApiServer {
    /// Path of an object in the namespace of the tests.
    pub fn path(api: &str, plural: &str, name: &str) -> String {
        format!("{api}/namespaces/{NAMESPACE}/{plural}/{name}")
    }

    /// Adds an object as somebody else made it.
    pub fn add(&self, path: &str, mut object: Json) {
        let (collection, name) = path.rsplit_once('/').unwrap();
        object["metadata"]["name"] = json!(name);
        let (status, answer) = self.objects().create(collection, object);
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }

    /// An object as it is.
    pub fn get(&self, path: &str) -> Option<Json> {
        self.objects().by_path.get(path).cloned()
    }

    /// From now on the status of a workload has these fields however it is changed; `None` lets it catch
    /// up.
    pub fn lag(&self, path: &str, fields: Option<Json>) {
        let mut objects = self.objects();
        match fields {
            Some(fields) => objects.lags.insert(path.to_owned(), fields),
            None => objects.lags.remove(path),
        };
        let mut object = objects.by_path[path].clone();
        objects.settle(path, &mut object);
        objects.by_path.insert(path.to_owned(), object);
    }

    pub fn answer(&self, request: &Request) -> Answer {
        let Request { path, body, .. } = request;
        let rest = path.split("/namespaces/").nth(1).unwrap_or_default();
        let mut parts = rest.split('/').skip(2);
        let (name, subresource) = (parts.next(), parts.next());
        let mut objects = self.objects();
        Some(match (&request.method, name) {
            (&Method::GET, None) if request.query.contains("watch=") => return None,
            (&Method::GET, None) => objects.list(path, &request.query),
            (&Method::GET, Some(_)) => match objects.by_path.get(path) {
                Some(object) => (StatusCode::OK, object.clone()),
                None => missing(path),
            },
            (&Method::POST, None) if path.ends_with("/events") => {
                (StatusCode::CREATED, body.clone())
            }
            (&Method::POST, None) => objects.create(path, body.clone()),
            (&Method::PATCH, Some(_)) if path.contains("/events/") => missing(path),
            (&Method::PATCH, Some(_)) => {
                let object = subresource.map_or(path.as_str(), |subresource| {
                    path.strip_suffix(subresource)
                        .unwrap()
                        .trim_end_matches('/')
                });
                objects.patch(object, subresource, request.is_apply, body.clone())
            }
            other => panic!("nobody does {other:?} to {path}"),
        })
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap()
    }
}

impl Objects {
    /// What carries a label is the application's own, of which there is nothing here.
    fn list(&self, path: &str, query: &str) -> (StatusCode, Json) {
        let below = format!("{path}/");
        let found = self.by_path.iter().filter(|(at, _)| at.starts_with(&below));
        let items: Vec<_> = match query.contains("labelSelector=") {
            true => Vec::new(),
            false => found.map(|(_, object)| object.clone()).collect(),
        };
        let version = self.versions.to_string();
        let list = json!({
            "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": version }, "items": items,
        });
        (StatusCode::OK, list)
    }

    fn create(&mut self, collection: &str, mut object: Json) -> (StatusCode, Json) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let path = format!("{collection}/{name}");
        if self.by_path.contains_key(&path) {
            return failure(StatusCode::CONFLICT, "AlreadyExists", &path);
        }
        self.versions += 1;
        let metadata = &mut object["metadata"];
        metadata["namespace"] = json!(NAMESPACE);
        metadata["uid"] = json!(format!("uid-{}", self.versions));
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!(format!("{:.0}", Timestamp::now()));
        metadata["resourceVersion"] = json!(self.versions.to_string());
        self.settle(&path, &mut object);
        self.by_path.insert(path, object.clone());
        (StatusCode::CREATED, object)
    }

    fn patch(
        &mut self,
        path: &str,
        subresource: Option<&str>,
        is_apply: bool,
        mut patch: Json,
    ) -> (StatusCode, Json) {
        let Some(before) = self.by_path.get(path) else {
            return missing(path);
        };
        let mut object = before.clone();
        for precondition in ["uid", "resourceVersion"] {
            let expected = patch["metadata"][precondition].take();
            if !expected.is_null() && expected != object["metadata"][precondition] {
                return failure(StatusCode::CONFLICT, "Conflict", path);
            }
            if let Some(metadata) = patch["metadata"].as_object_mut() {
                metadata.remove(precondition);
            }
        }
        match subresource {
            Some(part) => object[part] = patch[part].take(),
            None => merge(&mut object, patch),
        }
        encode(&mut object);
        assert!(
            is_apply || subresource.is_none(),
            "nobody merges into {path}"
        );
        if object != *before {
            self.versions += 1;
            object["metadata"]["resourceVersion"] = json!(self.versions.to_string());
            if object["spec"] != before["spec"] {
                let generation = before["metadata"]["generation"].as_i64().unwrap();
                object["metadata"]["generation"] = json!(generation + 1);
            }
            self.settle(path, &mut object);
            self.by_path.insert(path.to_owned(), object.clone());
        }
        (StatusCode::OK, object)
    }

    /// What the controllers of workloads do, at once.
    fn settle(&self, path: &str, object: &mut Json) {
        let replicas = object["spec"]["replicas"].clone();
        let status = match object["kind"].as_str() {
            Some("Deployment" | "StatefulSet") => json!({
                "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas,
            }),
            Some("DaemonSet") => json!({
                "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2,
            }),
            _ => return,
        };
        object["status"] = status;
        object["status"]["observedGeneration"] = object["metadata"]["generation"].clone();
        if let Some(fields) = self.lags.get(path) {
            merge(&mut object["status"], fields.clone());
        }
    }
}

/// Texts of a Secret become its data.
fn encode(object: &mut Json) {
    let texts = object["stringData"].take();
    object.as_object_mut().unwrap().remove("stringData");
    for (key, text) in texts.as_object().into_iter().flatten() {
        object["data"][key] = json!(STANDARD.encode(text.as_str().unwrap()));
    }
}

/// RFC 7396.
fn merge(target: &mut Json, patch: Json) {
    let Json::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(&key);
        } else {
            merge(&mut target[&key], value);
        }
    }
}

fn missing(path: &str) -> (StatusCode, Json) {
    failure(StatusCode::NOT_FOUND, "NotFound", path)
}

/// A refusal in the words of the API.
pub fn failure(code: StatusCode, reason: &str, message: &str) -> (StatusCode, Json) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, status)
}

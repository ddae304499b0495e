//! An application whose store login rotates: its objects in an API server, its role in a real PostgreSQL,
//! a place of others that is published to, and workloads of others that are restarted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use http::{Method, StatusCode};
use kube::ResourceExt as _;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::{reflector, watcher};
use reportapp_crds::secret_rotation::Phase;
use reportapp_crds::{ReportApp, SecretRotation};
use reportapp_operator::action::metrics::ActionMetrics;
use reportapp_operator::canary::Canary;
use reportapp_operator::context::{Context, Shared};
use reportapp_operator::health::Progress;
use reportapp_operator::metrics::Metrics;
use reportapp_operator::one_shot;
use reportapp_operator::reportapp::model::{OperatorFacts, TemplateOptions};
use reportapp_operator::reportapp::published::PublishedCredential;
use reportapp_operator::reportapp::{ledger, naming};
use reportapp_operator::rotation::ledger::{Entry, Value};
use reportapp_operator::rotation::metrics::RotationMetrics;
use reportapp_operator::rotation::reconcile::{FINALIZER, reconcile};
use reportapp_operator::scope::ScopePart;
use reportapp_operator::secret_store::logins::Logins;
use reportapp_operator::watch::{Caches, Watched};
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER};
use reportapp_telemetry::Health;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::unbounded_channel;

use super::api_server::{ApiServer, NAMESPACE, Request};
use super::way::{Look, Way};
use crate::crashing::Plan;
use crate::scenes::FIRST;
use crate::servers::{Servers, fresh_name, shared};

const APP: &str = "demo";
const CREDENTIAL: &str = "store";
const ROTATION: &str = "demo-store-now";
/// Key of the published place.
const KEY: &str = "DATABASE_URL";
const PATIENCE: Duration = Duration::from_secs(20);
/// Reconciles after which a rotation that has not ended never will.
const MOST_RECONCILES: usize = 100;

/// Workloads of others that are restarted, in this order: kind and plural.
pub const WORKLOADS: [(&str, &str); 3] = [
    ("Deployment", "deployments"),
    ("StatefulSet", "statefulsets"),
    ("DaemonSet", "daemonsets"),
];
/// The name of each.
const WORKLOAD: &str = "bisman-backend";

/// A login as a consumer holds it.
pub type Login = (String, String);

pub struct Scene {
    pub servers: Arc<Servers>,
    server: Arc<ApiServer>,
    app: Mutex<ReportApp>,
    role: String,
    seen: Mutex<Seen>,
}

/// What was seen around changes.
#[derive(Default)]
struct Seen {
    failures: Vec<String>,
    /// Every value the rotation made durable.
    made: BTreeSet<String>,
    /// By kind, what the pods of a workload of others were started with, and in which generation.
    others: BTreeMap<&'static str, (Login, Json)>,
}

fn secret(name: &str) -> String {
    ApiServer::path("/api/v1", "secrets", name)
}

fn text(value: &str) -> String {
    STANDARD.encode(value)
}

fn workload_path(plural: &str) -> String {
    ApiServer::path("/apis/apps/v1", plural, WORKLOAD)
}

/// An object that lends itself.
fn lent(kind: &str, body: Json) -> Json {
    let api = match kind {
        "Secret" => "v1",
        _ => "apps/v1",
    };
    let mut object = body;
    object["apiVersion"] = json!(api);
    object["kind"] = json!(kind);
    object["metadata"] = json!({ "annotations": { "reportapp.dev/allow": APP } });
    object
}

impl Scene {
    /// Ready to be rotated, in `mode`.
    pub async fn new(mode: &str) -> Arc<Self> {
        let servers = shared().await;
        let role = fresh_name("kube");
        let sql = format!("CREATE ROLE {role} LOGIN PASSWORD '{FIRST}'");
        servers.sql(&sql).await;
        let server = Arc::<ApiServer>::default();
        let url = json!({ "FOREIGN": text("kept") });
        for (name, data) in [
            ("store-login", json!({ "password": text(FIRST) })),
            ("store-admin", json!({ "password": text(PASSWORD) })),
            ("bisman-db-credentials", url),
        ] {
            server.add(&secret(name), lent("Secret", json!({ "data": data })));
        }
        for (kind, plural) in WORKLOADS {
            let selector = json!({ "matchLabels": { "app": WORKLOAD } });
            let template = json!({ "metadata": { "labels": { "app": WORKLOAD } } });
            let spec = json!({ "replicas": 2, "selector": selector, "template": template });
            let workload = json!({ "spec": spec });
            server.add(&workload_path(plural), lent(kind, workload));
        }
        let app = application(&role, servers.postgres_port);
        let rotation = json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "SecretRotation", "metadata": {},
            "spec": { "app": APP, "credentials": [CREDENTIAL], "mode": mode, "reason": "a test" },
        });
        server.add(&Self::rotation_path(), rotation);
        let nobody: Look = Arc::new(|_| async {}.boxed());
        let client = Way::new(server.clone(), Plan::default(), nobody).client();
        let own = ledger::read(&client, NAMESPACE, APP).await.unwrap();
        own.persist(&client, &app).await.unwrap();
        Arc::new(Self {
            servers,
            server,
            app: Mutex::new(app),
            role,
            seen: Mutex::default(),
        })
    }

    fn app(&self) -> ReportApp {
        self.app.lock().unwrap().clone()
    }

    /// From now on rotations need the consent of a second person.
    pub fn require_approval(&self) {
        let rule = json!({ "approval": { "requiredFor": ["RotateCredential"] } });
        let rule = serde_json::from_value(rule).unwrap();
        self.app.lock().unwrap().spec.incidents = Some(rule);
    }

    /// What a person writes into the rotation.
    pub fn write(&self, body: Json) {
        let (status, answer) = self
            .server
            .answer(&Request {
                method: Method::PATCH,
                path: Self::rotation_path(),
                query: String::new(),
                is_apply: false,
                accept: String::new(),
                body,
            })
            .unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Has the rotation look begun: whoever creates one may write all of that.
    pub fn pretend_to_have_begun(&self) {
        let owners = one_shot::owners(&self.rotation().metadata, &self.app());
        let metadata = json!({ "finalizers": [FINALIZER], "ownerReferences": owners });
        self.write(json!({ "metadata": metadata }));
    }

    /// Lets the status of a workload lag behind, or catch up.
    pub fn lag(&self, plural: &str, fields: Option<Json>) {
        self.server.lag(&workload_path(plural), fields);
    }

    fn rotation_path() -> String {
        ApiServer::path("/apis/reportapp.dev/v1alpha1", "secretrotations", ROTATION)
    }

    /// The rotation as it is.
    pub fn rotation(&self) -> SecretRotation {
        let object = self.server.get(&Self::rotation_path()).unwrap();
        serde_json::from_value(object).unwrap()
    }

    /// Runs the rotation to its end; an operator that dies at `plan` is followed by another one. Gives
    /// the changes of the first.
    pub async fn run(self: &Arc<Self>, plan: Plan) -> Vec<String> {
        let (ended, changes) = self.one_life(plan).await;
        if !ended {
            let (ended, _) = self.one_life(Plan::default()).await;
            assert!(ended, "{plan:?}: the second operator does not die");
        }
        changes
    }

    /// Reconciles until `holds`, with nothing in the way.
    pub async fn until(self: &Arc<Self>, holds: impl Fn(&SecretRotation) -> bool) {
        let operator = Operator::start(&self.way(Plan::default()), &self.app()).await;
        self.drive(&operator, holds).await;
    }

    async fn drive(&self, operator: &Operator, holds: impl Fn(&SecretRotation) -> bool) {
        for _ in 0..MOST_RECONCILES {
            let rotation = self.rotation();
            if holds(&rotation) {
                return;
            }
            reconcile(Arc::new(rotation), &operator.context).await;
        }
        panic!("still {:?}", self.rotation().status);
    }

    /// How the operator lists and watches Secrets in the course of a whole rotation.
    pub async fn lists_of_secrets(self: &Arc<Self>) -> Vec<Request> {
        let way = self.way(Plan::default());
        let operator = Operator::start(&way, &self.app()).await;
        self.drive(&operator, has_ended).await;
        let mut lists = way.lists_of_secrets();
        let begun = lists.wait_for(|lists| lists.iter().any(|list| list.query.contains("watch=")));
        let begun = tokio::time::timeout(PATIENCE, begun).await;
        begun.expect("Secrets are not watched").unwrap().clone()
    }

    fn way(self: &Arc<Self>, plan: Plan) -> Arc<Way> {
        let scene = Arc::clone(self);
        let look: Look = Arc::new(move |when| {
            let scene = Arc::clone(&scene);
            async move { scene.look(&when).await }.boxed()
        });
        Way::new(self.server.clone(), plan, look)
    }

    /// Whether the rotation has ended, or else the operator is dead; and what it changed.
    async fn one_life(self: &Arc<Self>, plan: Plan) -> (bool, Vec<String>) {
        let way = self.way(plan);
        let operator = Operator::start(&way, &self.app()).await;
        for _ in 0..MOST_RECONCILES {
            let rotation = self.rotation();
            if has_ended(&rotation) && rotation.finalizers().is_empty() {
                return (true, way.changes());
            }
            tokio::select! {
                _action = reconcile(Arc::new(rotation), &operator.context) => {}
                () = way.died() => return (false, way.changes()),
            }
        }
        panic!("{plan:?}: it does not end: {:?}", self.rotation().status);
    }

    /// Everybody who holds a login tries it, and what the ledger holds is remembered.
    async fn look(&self, when: &str) {
        let own = self.own_pods();
        let mut logins = BTreeSet::from([own, self.place()]);
        logins.extend(WORKLOADS.map(|(kind, plural)| self.others(kind, plural)));
        for (user, password) in logins {
            if let Err(error) = self.servers.postgres_login(&user, &password).await {
                let mut seen = self.seen.lock().unwrap();
                seen.failures.push(format!("{when}: {error}"));
            }
        }
        let uid = self.rotation().uid();
        let entry = self.entry();
        let values = [entry.pending, entry.current];
        let made = values.into_iter().flatten();
        let made = made.filter(|value| Some(&value.rotation) == uid.as_ref());
        let mut seen = self.seen.lock().unwrap();
        seen.made
            .extend(made.map(|value| value.secret.expose().to_owned()));
    }

    /// The login the application had at first.
    pub fn adopted(&self) -> Login {
        (self.role.clone(), FIRST.to_owned())
    }

    /// A login with a client that is not the operator's.
    pub async fn accepts(&self, (user, password): Login) -> bool {
        let login = self.servers.postgres_login(&user, &password);
        login.await.is_ok()
    }

    fn data(&self, name: &str, key: &str) -> Option<Vec<u8>> {
        let object = self.server.get(&secret(name))?;
        let encoded = object["data"][key].as_str()?.to_owned();
        Some(STANDARD.decode(encoded).unwrap())
    }

    /// What the application's own pods are given.
    pub fn published(&self) -> Option<PublishedCredential> {
        let data = self.data(&naming::published_secret(APP), CREDENTIAL)?;
        Some(serde_json::from_slice(&data).unwrap())
    }

    fn own_pods(&self) -> Login {
        let value = self.published().and_then(|given| given.value("password"));
        value.map_or_else(|| self.adopted(), |value| login(&value))
    }

    /// What the place of others holds.
    fn place(&self) -> Login {
        let Some(url) = self.data("bisman-db-credentials", KEY) else {
            return self.adopted();
        };
        let url: tokio_postgres::Config = std::str::from_utf8(&url).unwrap().parse().unwrap();
        let password = String::from_utf8(url.get_password().unwrap().to_vec()).unwrap();
        (url.get_user().unwrap().to_owned(), password)
    }

    fn generation(&self, plural: &str) -> Json {
        let workload = self.server.get(&workload_path(plural)).unwrap();
        workload["metadata"]["generation"].clone()
    }

    /// What the pods of others were started with: the place as it was when their template changed.
    fn others(&self, kind: &'static str, plural: &str) -> Login {
        let (generation, place) = (self.generation(plural), self.place());
        let mut seen = self.seen.lock().unwrap();
        match seen.others.get(kind) {
            Some((login, same)) if *same == generation => login.clone(),
            _ => {
                let started = (place.clone(), generation);
                seen.others.insert(kind, started);
                place
            }
        }
    }

    /// The ledger as it is.
    pub fn entry(&self) -> Entry {
        let name = naming::credential_ledger(APP, CREDENTIAL);
        let data = self.data(&name, "entry.json");
        data.map_or_else(Entry::default, |data| {
            serde_json::from_slice(&data).unwrap()
        })
    }

    /// The adopted login works, and nobody was given, or wrote down, another one.
    pub async fn assert_untouched(&self, what: &str) {
        assert!(self.accepts(self.adopted()).await, "{what}");
        assert_eq!(self.own_pods(), self.adopted(), "{what}");
        let entry = self.entry();
        assert!(
            entry.rotation.is_none() && entry.pending.is_none(),
            "{what}"
        );
        for (kind, plural) in WORKLOADS {
            assert_eq!(self.generation(plural), 1, "{what}: {kind}");
        }
    }

    /// The one end every plan must have. In an emergency consumers may be refused on the way.
    pub async fn assert_done(&self, is_emergency: bool, what: &str) {
        let rotation = self.rotation();
        let status = rotation.status.clone().unwrap();
        assert_eq!(status.phase, Some(Phase::Succeeded), "{what}: {status:?}");
        assert!(!status.plan.is_empty(), "{what}");
        let entry = self.entry();
        let closed = entry.closed.as_ref().unwrap();
        assert!(
            closed.succeeded && Some(&closed.rotation) == rotation.uid().as_ref(),
            "{what}"
        );
        assert!(
            entry.pending.is_none() && entry.rotation.is_none(),
            "{what}: {entry:?}"
        );
        let current = login(entry.current.as_ref().unwrap());
        assert_eq!(self.own_pods(), current, "{what}");
        assert_eq!(self.place(), current, "{what}");
        for (kind, plural) in WORKLOADS {
            assert_eq!(self.others(kind, plural), current, "{what}: {kind}");
            assert_eq!(self.generation(plural), 2, "{what}: {kind} restarted once");
        }
        assert_eq!(
            self.data("bisman-db-credentials", "FOREIGN"),
            Some(b"kept".to_vec())
        );
        assert!(self.published().unwrap().rotated_at.is_some(), "{what}");
        let (made, failures) = {
            let seen = self.seen.lock().unwrap();
            (seen.made.len(), seen.failures.clone())
        };
        assert_eq!(made, 1, "{what}: values that were made");
        assert!(is_emergency || failures.is_empty(), "{what}: {failures:?}");
        assert!(
            self.accepts(current).await,
            "{what}: the new login is refused"
        );
        assert!(
            !self.accepts(self.adopted()).await,
            "{what}: the old login is accepted"
        );
    }
}

/// Whether the rotation says that it is over.
pub fn has_ended(rotation: &SecretRotation) -> bool {
    let phase = rotation.status.as_ref().and_then(|status| status.phase);
    phase.is_some_and(Phase::is_final)
}

fn login(value: &Value) -> Login {
    (
        value.username.clone().unwrap(),
        value.secret.expose().to_owned(),
    )
}

fn application(role: &str, port: u16) -> ReportApp {
    let template = "postgresql://{{ username }}:{{ password | urlencode }}@{{ host }}:{{ port }}/{{ database }}";
    let object = json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "ReportApp",
        "metadata": { "name": APP, "namespace": NAMESPACE, "uid": "uid-of-the-app", "generation": 1 },
        "spec": {
            "image": { "registry": "registry.example.com", "tag": "1" },
            "servers": [],
            "store": {
                "engine": "Postgres", "host": "127.0.0.1", "port": port, "database": DATABASE,
                "credential": CREDENTIAL, "tls": { "mode": "Disable" },
                "admin": { "username": SUPERUSER, "password": { "secretRef": { "name": "store-admin" } } },
            },
            "credentials": [{
                "name": CREDENTIAL,
                "from": { "secretRef": { "name": "store-login" } },
                "database": { "store": true, "role": role },
                "publish": [{ "kubernetesSecret": "bisman-db-credentials", "key": KEY, "template": template }],
                "restart": WORKLOADS.map(|(kind, _)| json!({ "kind": kind, "name": WORKLOAD })),
                "rotation": { "retire": { "after": "0s" } },
            }],
        },
    });
    serde_json::from_value(object).unwrap()
}

/// One process of the operator; what it watches ends with it.
struct Operator {
    context: Context,
    watches: tokio::task::JoinHandle<()>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.watches.abort();
    }
}

impl Operator {
    async fn start(way: &Arc<Way>, app: &ReportApp) -> Self {
        reportapp_telemetry::install_crypto_provider();
        let client = way.client();
        let health = Health::new("reportapp-operator", "0");
        let (apps, mut writer) = reflector::store();
        writer.apply_watcher_event(&watcher::Event::Apply(app.clone()));
        let reporter = Reporter {
            controller: "reportapp-operator".to_owned(),
            instance: None,
        };
        let shared = Shared {
            events: Recorder::new(client.clone(), reporter),
            http: reqwest::Client::builder()
                .tls_certs_only([])
                .build()
                .unwrap(),
            facts: OperatorFacts {
                namespace: "reportapp-system".to_owned(),
                templates: TemplateOptions::default(),
            },
            metrics: Metrics::new(&health),
            rotation_metrics: RotationMetrics::new(&health),
            action_metrics: ActionMetrics::new(&health),
            canary: Canary::new(&health),
            progress: Progress::new(PATIENCE),
            retries: Default::default(),
            latest: Default::default(),
            stubborn: Default::default(),
            sweeps: Default::default(),
            resync: PATIENCE,
            stores: RwLock::new(vec![apps]),
            logins: Logins::default(),
            rotations: RwLock::default(),
            actions: RwLock::default(),
            beginning: Default::default(),
            client: client.clone(),
        };
        let part = ScopePart::Namespace(NAMESPACE.to_owned());
        let (touched, _untouched) = unbounded_channel();
        let (caches, run) = Caches::new(&client, &part, &touched);
        let watches = tokio::spawn(run);
        caches.loaded(PATIENCE).await;
        let (wake, _asleep) = unbounded_channel();
        Self {
            context: Context {
                shared: Arc::new(shared),
                caches,
                wake,
                rotations: Watched::default(),
                actions: Watched::default(),
            },
            watches,
        }
    }
}

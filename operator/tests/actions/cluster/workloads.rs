//! Workloads whose pods come and go one at a time: what proves that a restart is gentle, and happens once.

use std::collections::BTreeMap;

use reportapp_crds::report_app::credential::Workload;
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::trouble::{Reason, Trouble};

use super::{Cluster, Objects};

/// A pod, and the mark it was made with.
#[derive(Clone, Debug)]
struct Pod {
    name: String,
    mark: Option<String>,
}

/// A workload whose roll-out keeps `replicas` pods at all times.
#[derive(Clone, Debug, Default)]
pub struct Played {
    mark: Option<String>,
    replicas: usize,
    pods: Vec<Pod>,
    made: usize,
    /// Whether new pods do not start.
    pub sick: bool,
    /// How often its template was changed.
    pub restarts: usize,
}

impl Played {
    pub(super) fn new(replicas: usize) -> Self {
        let mut played = Self {
            replicas,
            ..Self::default()
        };
        (0..replicas).for_each(|_| played.start());
        played
    }

    fn start(&mut self) {
        self.made += 1;
        self.pods.push(Pod {
            name: format!("pod-{}", self.made),
            mark: self.mark.clone(),
        });
    }

    fn is_new(&self, pod: &Pod) -> bool {
        pod.mark == self.mark
    }

    pub(super) fn is_moving(&self) -> bool {
        self.pods.iter().any(|pod| !self.is_new(pod))
    }

    pub(super) fn tick(&mut self) {
        let old = self.pods.iter().position(|pod| !self.is_new(pod));
        let Some(old) = old.filter(|_| !self.sick) else {
            return;
        };
        if self.pods.len() > self.replicas {
            self.pods.remove(old);
        } else {
            self.start();
        }
        assert!(self.pods.len() >= self.replicas, "too few pods serve");
    }
}

impl Objects {
    /// A workload as the action `action` sees it.
    pub(super) fn see(&self, workload: &Workload, action: &str) -> Result<Seen, Trouble> {
        let Some(found) = self.workloads.get(&workload.name) else {
            return Err(Trouble::new(Reason::WorkloadMissing, "there is none"));
        };
        let new = |pod: &&Pod| pod.mark.as_deref() == Some(action);
        let old = found.pods.iter().filter(|pod| !new(pod));
        Ok(Seen {
            workload: workload.clone(),
            marked: found.mark.as_deref() == Some(action),
            settled: !found.is_moving() && found.pods.len() == found.replicas,
            old_pods: old.map(|pod| pod.name.clone()).collect(),
            obstacle: found.sick.then(|| "its pods do not start".to_owned()),
        })
    }

    /// Has a workload replace its pods, once for each action.
    pub(super) fn mark(&mut self, workload: &Workload, action: &str) {
        let found = self.workloads.get_mut(&workload.name).unwrap();
        let mark = Some(action.to_owned());
        if found.mark != mark {
            found.mark = mark;
            found.restarts += 1;
        }
    }
}

impl Cluster {
    /// Whether pods of a workload are on their way.
    pub fn is_moving(&self) -> bool {
        self.objects().workloads.values().any(Played::is_moving)
    }

    /// Has the new pods of a workload start, or not.
    pub fn sicken(&self, workload: &str, sick: bool) {
        self.objects().workloads.get_mut(workload).unwrap().sick = sick;
    }

    /// Somebody deletes a workload, and its pods with it.
    pub fn remove_workload(&self, workload: &str) {
        self.objects().workloads.remove(workload).unwrap();
    }

    /// How often each workload was restarted.
    pub fn restarts(&self) -> BTreeMap<String, usize> {
        let objects = self.objects();
        let restarts = objects.workloads.iter();
        restarts
            .map(|(name, w)| (name.clone(), w.restarts))
            .collect()
    }
}

//! Rotations that take their time: what proves that an action makes one of them, once.

use k8s_openapi::jiff::SignedDuration;
use kube::ResourceExt as _;
use reportapp_crds::{IncidentAction, SecretRotation};
use reportapp_operator::action::rotate;
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::world::Rotation;
use serde_json::json;

use super::{Cluster, Objects};

/// Ticks a rotation takes.
const TICKS: u32 = 3;

impl Objects {
    /// Lets a second go by.
    pub(super) fn tick_rotations(&mut self) {
        for (rotation, ticks) in self.rotations.values_mut() {
            *ticks += 1;
            *rotation = rotated(rotation.clone(), *ticks >= TICKS);
        }
    }

    /// The rotation of an action that says whether it was made.
    pub(super) fn rotation_of(
        &self,
        action: &IncidentAction,
        noted: bool,
    ) -> Result<Rotation, Trouble> {
        let name = rotate::rotation_name(action);
        Ok(match self.rotations.get(&name) {
            Some((found, _)) if rotate::is_of(found, action) => {
                Rotation::Made(Box::new(found.clone()))
            }
            Some(_) => return Err(Trouble::new(Reason::RotationNotOurs, "not of this action")),
            None if noted => Rotation::Gone,
            None => Rotation::Unmade,
        })
    }

    /// Forgets the rotation of an action that is gone.
    pub(super) fn collect_rotations_of(&mut self, action: &IncidentAction) {
        self.rotations
            .retain(|_, (rotation, _)| !rotate::is_of(rotation, action));
    }

    /// Makes the rotation of an action, unless it is there.
    pub(super) fn make_rotation(&mut self, action: &IncidentAction) {
        let rotate = action.spec.action.rotate_credential.as_ref().unwrap();
        let rotation = rotate::rotation(action, rotate, SignedDuration::from_secs(600));
        let Self {
            rotations,
            rotations_made,
            ..
        } = self;
        rotations.entry(rotation.name_any()).or_insert_with(|| {
            *rotations_made += 1;
            (rotation, 0)
        });
    }
}

impl Cluster {
    /// How many rotations there are, and how many were ever made.
    pub fn rotations(&self) -> (usize, usize) {
        let objects = self.objects();
        (objects.rotations.len(), objects.rotations_made)
    }

    /// Somebody deletes every rotation.
    pub fn delete_rotations(&self) {
        self.objects().rotations.clear();
    }
}

fn rotated(mut rotation: SecretRotation, done: bool) -> SecretRotation {
    let condition = |reason: &str| {
        json!({
            "type": "Ready", "status": "True", "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let (phase, reason) = if done {
        ("Succeeded", "Succeeded")
    } else {
        ("Running", "Working")
    };
    let credentials = rotation.spec.credentials.iter().map(|name| {
        json!({
            "name": name, "strategy": "AlternatingUsers", "to": "b", "oldSessions": 0, "oldPods": 0,
            "oldRefused": done,
        })
    });
    let credentials: Vec<_> = credentials.collect();
    let status = json!({
        "phase": phase, "message": "played", "conditions": [condition(reason)],
        "credentials": credentials,
    });
    rotation.status = serde_json::from_value(status).unwrap();
    rotation
}

//! The volume of a SQLite store. It has no owner, so that it survives the application.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::reportapp::build::metadata;
use crate::reportapp::naming;
use crate::reportapp::validate::{ValidatedApp, ValidatedStore};

/// The claim, when the store is a file.
pub fn build_volume_claims(app: &ValidatedApp) -> Vec<PersistentVolumeClaim> {
    let ValidatedStore::Sqlite { volume, .. } = &app.store else {
        return Vec::new();
    };
    let size = ("storage".to_owned(), Quantity(volume.size.clone()));
    vec![PersistentVolumeClaim {
        metadata: ObjectMeta {
            owner_references: None,
            ..metadata(app, naming::volume_claim(&app.name), None)
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: volume.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some([size].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }]
}

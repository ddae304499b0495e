//! Makes users outlive a restart: into the ACL file if the server has one, else into its
//! configuration file.

use super::connection::Node;
use crate::backend::BackendError;

/// Where users were saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    AclFile,
    ConfigurationFile,
}

/// Saves the users of a node.
pub(super) async fn save(node: &mut Node) -> Result<Saved, BackendError> {
    let Err(answer) = node.answer(&["ACL", "SAVE"]).await? else {
        return Ok(Saved::AclFile);
    };
    let address = node.address().clone();
    if !answer.text.contains("not configured to use an ACL file") {
        return Err(BackendError::Refused(format!(
            "Redis at {address} cannot write its ACL file: put it on a writable volume, in a folder \
             that Redis may write to (its log says more)"
        )));
    }
    let Err(answer) = node.answer(&["CONFIG", "REWRITE"]).await? else {
        return Ok(Saved::ConfigurationFile);
    };
    let why = if answer.text.contains("without a config file") {
        "has neither an ACL file nor a configuration file, so a restart would bring the old users \
         back: start it with --aclfile and a path on a writable volume"
    } else {
        "cannot write its configuration file: put it on a writable volume, or start Redis with \
         --aclfile and a path on one"
    };
    Err(BackendError::Refused(format!("Redis at {address} {why}")))
}

//! The audit trail, for those who may see it.

use reportapp_session::access::Permission;

pub(crate) mod logs;
pub(crate) mod summary;

/// See who changed what.
const AUDIT_VIEW: Permission = Permission::of("audit", "view");

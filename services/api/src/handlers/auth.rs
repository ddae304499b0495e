//! Signing in and out, and one's own account.

pub(crate) mod check_identity;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod my_servers;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod reset;
pub(crate) mod session_end;
pub(crate) mod session_end_others;
pub(crate) mod session_list;

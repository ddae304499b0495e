//! Linking Telegram chats to one's own account.

pub(crate) mod link_create;
pub(crate) mod link_delete;
pub(crate) mod link_list;

//! What people type into the database to end somebody's tokens: the triggers of the store raise the epoch.

/// Each ends the tokens of the user `ID` of the tenant `TENANT`. The last one ends those of everybody in it.
pub(super) const ENDING: [&str; 9] = [
    "UPDATE users_enhanced SET is_active = false WHERE id = 'ID'",
    "UPDATE users_enhanced SET must_reset_password = true WHERE id = 'ID'",
    "UPDATE users_enhanced SET password_hash = 'another' WHERE id = 'ID'",
    "UPDATE users_enhanced SET user_type = 'super_admin' WHERE id = 'ID'",
    "UPDATE users_enhanced SET tenant_id = NULL WHERE id = 'ID'",
    "DELETE FROM users_enhanced WHERE id = 'ID'",
    "UPDATE user_sessions SET is_active = false WHERE user_id = 'ID'",
    "DELETE FROM user_sessions WHERE user_id = 'ID'",
    "UPDATE clients SET is_active = false WHERE id = 'TENANT'",
];

/// The statement for this user.
pub(super) fn typed(statement: &str, id: &str, tenant: &str) -> String {
    statement.replace("ID", id).replace("TENANT", tenant)
}

-- A password that was right is hashed anew when its hash is of earlier parameters. That ends no session, since
-- the password stays; whoever replaces the hash of the same password moves this mark in the same statement.
ALTER TABLE users_enhanced ADD COLUMN password_rehashed_at timestamp;

DROP TRIGGER users_enhanced_epoch_update;
CREATE TRIGGER users_enhanced_epoch_update
    AFTER UPDATE OF is_active, must_reset_password, password_hash, user_type, tenant_id ON users_enhanced
    WHEN (OLD.is_active AND NOT NEW.is_active)
         OR (OLD.password_hash <> NEW.password_hash
             AND OLD.password_rehashed_at IS NEW.password_rehashed_at)
         OR (NEW.must_reset_password AND NOT OLD.must_reset_password)
         OR OLD.user_type <> NEW.user_type
         OR OLD.tenant_id IS NOT NEW.tenant_id
BEGIN
    UPDATE epoch_state
       SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer));
    INSERT INTO epoch_actions (action, revision)
        SELECT 'users_enhanced-' || revision, revision FROM epoch_state;
    INSERT INTO epochs (level, name, epoch) SELECT 'user', OLD.id, revision FROM epoch_state WHERE true
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END;

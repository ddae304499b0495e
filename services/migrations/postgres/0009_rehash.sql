-- A password that was right is hashed anew when its hash is of earlier parameters. That ends no session, since
-- the password stays; whoever replaces the hash of the same password moves this mark in the same statement.
-- Nothing here can tell whether it is the same one: that is why a moved mark is a security event.
ALTER TABLE users_enhanced ADD COLUMN password_rehashed_at timestamptz;

DROP TRIGGER users_enhanced_epoch_update ON users_enhanced;
CREATE TRIGGER users_enhanced_epoch_update
    AFTER UPDATE OF is_active, must_reset_password, password_hash, user_type, tenant_id ON users_enhanced
    FOR EACH ROW
    WHEN ((OLD.is_active AND NOT NEW.is_active)
          OR (OLD.password_hash <> NEW.password_hash
              AND OLD.password_rehashed_at IS NOT DISTINCT FROM NEW.password_rehashed_at)
          OR (NEW.must_reset_password AND NOT OLD.must_reset_password)
          OR OLD.user_type <> NEW.user_type
          OR OLD.tenant_id IS DISTINCT FROM NEW.tenant_id)
    EXECUTE FUNCTION raise_epoch('user');

CREATE FUNCTION password_rehash_trigger_func() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM log_security_event('password_rehashed', 'info', jsonb_build_object('user_id', NEW.id),
                               p_tenant_id => NEW.tenant_id);
    RETURN NULL;
END
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION password_rehash_trigger_func() SET search_path = pg_catalog, %I, pg_temp',
                   current_schema());
END
$$;
REVOKE ALL ON FUNCTION password_rehash_trigger_func() FROM PUBLIC;
CREATE TRIGGER security_users_enhanced_rehash AFTER UPDATE ON users_enhanced FOR EACH ROW
    WHEN (OLD.password_rehashed_at IS DISTINCT FROM NEW.password_rehashed_at)
    EXECUTE FUNCTION password_rehash_trigger_func();

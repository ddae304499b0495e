-- A session that is ended or deleted by a statement takes its tokens with it, as a locked user does: the rows
-- and the epochs change together or not at all.

-- One revision for everything that is raised together.
CREATE FUNCTION raise_epochs_of(p_level text, p_names text[], p_table text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE epoch_state
       SET revision = GREATEST(revision + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
       RETURNING revision INTO raised;
    INSERT INTO epoch_actions (action, revision) VALUES (p_table || '-' || raised, raised);
    INSERT INTO epochs (level, name, epoch) SELECT p_level, name, raised FROM unnest(p_names) AS name
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END
$$;

CREATE OR REPLACE FUNCTION raise_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM raise_epochs_of(TG_ARGV[0], ARRAY[OLD.id], TG_TABLE_NAME);
    RETURN NULL;
END
$$;

-- Whether tokens of a session that carry this revision have ended already.
CREATE FUNCTION is_revoked(p_issued bigint, p_tenant text, p_user text, p_session text) RETURNS boolean
LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM epochs
                   WHERE epoch > p_issued
                     AND (level, name) IN (('all', ''), ('tenant', p_tenant), ('user', p_user),
                                           ('session', p_session)))
$$;

-- Once for each statement, so that ending everybody's sessions by hand is one revision. What the program ends
-- has its epoch before its row changes, and what has expired needs none: neither raises another.
CREATE FUNCTION raise_session_epochs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Not a join: its plan is made once, for a statement of one row, and would serve one of thousands.
        SELECT array_agg(o.id) INTO ended
        FROM old_rows o
        WHERE o.is_active AND o.id NOT IN (SELECT id FROM new_rows WHERE is_active)
          AND NOT is_revoked(o.issued, o.tenant_id, o.user_id, o.id);
    ELSE
        SELECT array_agg(o.id) INTO ended
        FROM old_rows o
        WHERE o.is_active AND o.expires_at > now()
          AND NOT is_revoked(o.issued, o.tenant_id, o.user_id, o.id);
    END IF;
    IF ended IS NOT NULL THEN
        PERFORM raise_epochs_of('session', ended, TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER user_sessions_epoch_update AFTER UPDATE ON user_sessions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_session_epochs();
CREATE TRIGGER user_sessions_epoch_delete AFTER DELETE ON user_sessions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_session_epochs();

-- They find what they name whatever the path of whoever types the statement.
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND proname IN ('raise_epochs_of', 'raise_epoch', 'raise_session_epochs', 'is_revoked')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', function, current_schema());
    END LOOP;
END
$$;

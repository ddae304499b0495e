-- Whose rows a transaction sees, and what is written down about every change.
--
-- A transaction says for whom it acts with settings named app.*; policies and triggers read them.
-- Everything a setting is called by stands here once, in the functions below.

-- The tenant, under any of the three names in use. Names that disagree stand for no tenant.
CREATE FUNCTION tenant_settings_agree() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT value) <= 1
    FROM (VALUES (current_setting('app.tenant_id', true)),
                 (current_setting('app.current_tenant', true)),
                 (current_setting('app.current_tenant_id', true))) AS said (value)
    WHERE value <> ''
$$;

CREATE FUNCTION current_tenant_id() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT min(value)
    FROM (VALUES (current_setting('app.tenant_id', true)),
                 (current_setting('app.current_tenant', true)),
                 (current_setting('app.current_tenant_id', true))) AS said (value)
    WHERE value <> ''
    HAVING min(value) = max(value)
$$;

CREATE FUNCTION current_super_admin_id() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN tenant_settings_agree()
                THEN nullif(current_setting('app.super_admin_id', true), '') END
$$;

-- Roles besides the owner of these tables whose members may look at the whole platform.
CREATE TABLE platform_roles (
    role       text        PRIMARY KEY,
    granted_at timestamptz NOT NULL DEFAULT now()
);

-- Whether whoever logged in belongs to the owner or to a platform role. Runs as the owner, which is what
-- current_user means here.
CREATE FUNCTION is_platform_login() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (SELECT FROM platform_roles p JOIN pg_roles r ON r.rolname = p.role
                   WHERE pg_has_role(session_user, r.oid, 'MEMBER'))
$$;

-- The settings alone open nothing: the login has to fit.
CREATE FUNCTION is_platform_admin() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT tenant_settings_agree() AND is_platform_login()
       AND lower(coalesce(current_setting('app.is_platform_admin', true), '')) IN ('on', 'true', 't', '1')
$$;

-- Somebody of no tenant sees what belongs to no tenant, and no tenant.
CREATE FUNCTION acts_without_tenant() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT current_tenant_id() IS NULL AND tenant_settings_agree() AND is_platform_login()
       AND lower(coalesce(current_setting('app.without_tenant', true), '')) IN ('on', 'true', 't', '1')
$$;

-- The helpers people call by hand, for the running transaction only: a setting that outlived it would
-- meet the next user of a pooled connection.
CREATE FUNCTION set_tenant_context(
    p_tenant_id text, p_super_admin_id text DEFAULT NULL, p_is_platform_admin boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', coalesce(p_tenant_id, ''), true),
            set_config('app.current_tenant', '', true),
            set_config('app.current_tenant_id', '', true),
            set_config('app.without_tenant', '', true),
            set_config('app.super_admin_id', coalesce(p_super_admin_id, ''), true),
            set_config('app.is_platform_admin', CASE WHEN p_is_platform_admin THEN 'on' ELSE '' END, true);
END
$$;

CREATE FUNCTION set_service_context(
    p_service_name text, p_user_id text DEFAULT NULL, p_client_ip text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.service_name', coalesce(p_service_name, ''), true),
            set_config('app.user_id', coalesce(p_user_id, ''), true),
            set_config('app.current_user_id', '', true),
            set_config('app.client_ip', coalesce(p_client_ip, ''), true);
END
$$;

CREATE FUNCTION set_audit_context(
    p_user_id text, p_tenant_id text DEFAULT NULL, p_super_admin_id text DEFAULT NULL,
    p_service_name text DEFAULT NULL, p_request_id text DEFAULT NULL,
    p_is_platform_admin boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_tenant_context(p_tenant_id, p_super_admin_id, p_is_platform_admin),
            set_service_context(p_service_name, p_user_id),
            set_config('app.request_id', coalesce(p_request_id, ''), true);
END
$$;

-- Every change of an audited table. action and changed_at are the names other tools know.
CREATE TABLE audit_logs_dml (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name       text        NOT NULL,
    operation        text        NOT NULL,
    action           text        GENERATED ALWAYS AS (operation) STORED,
    row_id           text,
    old_data         jsonb,
    new_data         jsonb,
    changed_fields   jsonb,
    user_id          text,
    tenant_id        text,
    service_name     text,
    application_name text,
    db_user          text        NOT NULL,
    effective_role   text        NOT NULL,
    request_id       text,
    ip_address       text,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at       timestamptz GENERATED ALWAYS AS (created_at) STORED,
    transaction_id   xid8        NOT NULL DEFAULT pg_current_xact_id(),
    batch            bigint
);
CREATE INDEX audit_logs_dml_created_at ON audit_logs_dml (created_at);
CREATE INDEX audit_logs_dml_row ON audit_logs_dml (table_name, row_id);
CREATE INDEX audit_logs_dml_tenant ON audit_logs_dml (tenant_id, id);
CREATE INDEX audit_logs_dml_user ON audit_logs_dml (user_id, id);
CREATE INDEX audit_logs_dml_unsealed ON audit_logs_dml (id) WHERE batch IS NULL;

-- Sealed batches of audit rows, each head the digest of its rows and of the head before it.
CREATE TABLE audit_batches (
    id            bigint      PRIMARY KEY,
    first_id      bigint      NOT NULL,
    last_id       bigint      NOT NULL,
    row_count     bigint      NOT NULL,
    oldest        timestamptz NOT NULL,
    newest        timestamptz NOT NULL,
    previous_head text        NOT NULL,
    head          text        NOT NULL,
    sealed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at    timestamptz
);

CREATE TABLE security_events (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_type     text        NOT NULL,
    severity       text        NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    service_name   text,
    user_id        text,
    user_email     text,
    user_type      text,
    tenant_id      text,
    ip_address     text,
    user_agent     text,
    request_path   text,
    request_method text,
    request_id     text,
    event_details  jsonb       NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX security_events_created_at ON security_events (created_at);
CREATE INDEX security_events_tenant ON security_events (tenant_id, id);

CREATE FUNCTION acting_user_id() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('app.user_id', true), ''),
                    nullif(current_setting('app.current_user_id', true), ''))
$$;

CREATE FUNCTION acting_address() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('app.client_ip', true), ''), host(inet_client_addr()))
$$;

-- Writes the row of one change; an error in here is an error of the change. Runs as the owner, so that
-- nobody else needs a right to write. Arguments of the trigger: columns whose change alone is no news.
CREATE FUNCTION audit_trigger_func() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    before  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after   jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    subject jsonb := coalesce(after, before);
    secrets text[];
    changed jsonb;
    tenant  text;
    key     text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_agg(field.key ORDER BY field.key) INTO changed
        FROM jsonb_each(after) AS field
        WHERE field.value IS DISTINCT FROM before -> field.key
          AND field.key <> ALL (coalesce(TG_ARGV, '{}'));
        IF changed IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    -- No hash of a password, a token or a code is written down; that it changed is.
    SELECT array_agg(name) INTO secrets FROM jsonb_object_keys(subject) AS name WHERE name LIKE '%\_hash';
    secrets := coalesce(secrets, '{}');
    -- The primary key, whatever its type and however many columns it has.
    SELECT string_agg((subject - secrets) ->> column_of.attname, ':' ORDER BY part.position) INTO key
    FROM pg_index
    CROSS JOIN unnest(indkey::smallint[]) WITH ORDINALITY AS part (attnum, position)
    JOIN pg_attribute AS column_of ON column_of.attrelid = indrelid AND column_of.attnum = part.attnum
    WHERE indrelid = TG_RELID AND indisprimary;
    tenant := CASE
        WHEN TG_TABLE_NAME = 'clients' THEN subject ->> 'id'
        WHEN subject ? 'tenant_id' THEN subject ->> 'tenant_id'
        WHEN subject ? 'user_id' THEN (SELECT tenant_id FROM users_enhanced WHERE id = subject ->> 'user_id')
        WHEN subject ? 'role_id' THEN (SELECT tenant_id FROM rbac_roles WHERE id = subject ->> 'role_id')
    END;
    INSERT INTO audit_logs_dml (
        table_name, operation, row_id, old_data, new_data, changed_fields, user_id, tenant_id, service_name,
        application_name, db_user, effective_role, request_id, ip_address
    ) VALUES (
        TG_TABLE_NAME, TG_OP, key, before - secrets, after - secrets, changed, acting_user_id(),
        coalesce(tenant, current_tenant_id()),
        nullif(current_setting('app.service_name', true), ''),
        nullif(current_setting('application_name', true), ''),
        session_user, coalesce(nullif(current_setting('role', true), 'none'), session_user),
        nullif(current_setting('app.request_id', true), ''), acting_address()
    );
    RETURN NULL;
END
$$;

-- Writes one security event; what is not given comes from the settings of the transaction.
CREATE FUNCTION log_security_event(
    p_event_type text, p_severity text DEFAULT 'info', p_event_details jsonb DEFAULT '{}',
    p_user_id text DEFAULT NULL, p_user_email text DEFAULT NULL, p_user_type text DEFAULT NULL,
    p_tenant_id text DEFAULT NULL, p_ip_address text DEFAULT NULL, p_user_agent text DEFAULT NULL,
    p_request_path text DEFAULT NULL, p_request_method text DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO security_events (
        event_type, severity, service_name, user_id, user_email, user_type, tenant_id, ip_address,
        user_agent, request_path, request_method, request_id, event_details
    ) VALUES (
        p_event_type, lower(p_severity), nullif(current_setting('app.service_name', true), ''),
        coalesce(p_user_id, acting_user_id()), p_user_email, p_user_type,
        coalesce(p_tenant_id, current_tenant_id(),
                 (SELECT tenant_id FROM users_enhanced WHERE id = coalesce(p_user_id, acting_user_id()))),
        coalesce(p_ip_address, acting_address()), p_user_agent, p_request_path, p_request_method,
        nullif(current_setting('app.request_id', true), ''), coalesce(p_event_details, '{}')
    );
    -- Not RETURNING, which would ask whether the row is in sight of whoever the transaction acts for.
    RETURN lastval();
END
$$;

-- What of a row its batch vouches for, as one text: everything but the number of the batch. Moments are
-- microseconds since 1970, so that no setting changes them.
CREATE FUNCTION audit_row_text(log audit_logs_dml) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(
        log.id, log.table_name, log.operation, log.row_id, log.old_data, log.new_data, log.changed_fields,
        log.user_id, log.tenant_id, log.service_name, log.application_name, log.db_user, log.effective_role,
        log.request_id, log.ip_address, (extract(epoch FROM log.created_at) * 1000000)::bigint,
        log.transaction_id::text)::text
$$;

-- Notices changes of rows that a security lead wants to see, whoever makes them.
CREATE FUNCTION security_event_trigger_func() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    subject jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    verb    text := CASE WHEN TG_OP = 'DELETE' THEN 'revoked' ELSE 'granted' END;
    tenant  text;
BEGIN
    IF TG_TABLE_NAME = 'users_enhanced' THEN
        PERFORM log_security_event(
            found.kind, found.severity, jsonb_build_object('user_id', NEW.id), p_tenant_id => NEW.tenant_id)
        FROM (VALUES
            ('password_reset_forced', 'warning', NEW.must_reset_password AND NOT OLD.must_reset_password),
            ('user_disabled',         'warning', OLD.is_active AND NOT NEW.is_active),
            ('user_kind_changed',     'critical', NEW.user_type <> OLD.user_type)
        ) AS found (kind, severity, happened)
        WHERE found.happened;
    ELSE
        tenant := CASE WHEN subject ? 'user_id'
            THEN (SELECT tenant_id FROM users_enhanced WHERE id = subject ->> 'user_id')
            ELSE (SELECT tenant_id FROM rbac_roles WHERE id = subject ->> 'role_id') END;
        PERFORM log_security_event(
            CASE WHEN subject ? 'user_id' THEN 'role_' ELSE 'permission_' END || verb, 'info', subject,
            p_tenant_id => tenant);
    END IF;
    RETURN NULL;
END
$$;

-- One sealer at a time, retention included; the number is `audit..` in ASCII.
CREATE FUNCTION lock_audit_chain() RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_try_advisory_xact_lock(27432146867334702)
$$;

-- Seals the oldest rows no batch contains; no row is returned when there are none, or when somebody else
-- is at it. A row counts once every transaction that began to write before it has ended, so that batches
-- follow the order of ids; one that turns up late all the same is in no batch yet and joins the next.
CREATE FUNCTION seal_audit_rows(p_most integer) RETURNS SETOF audit_batches
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    seen     pg_snapshot;
    previous audit_batches;
    sealed   audit_batches;
    digests  bytea;
BEGIN
    IF NOT is_platform_admin() THEN
        RAISE EXCEPTION 'only the whole platform can be sealed: set app.is_platform_admin to on, as a member of the owner or of a platform role'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT lock_audit_chain() THEN
        RETURN;
    END IF;
    seen := pg_current_snapshot();
    SELECT * INTO previous FROM audit_batches ORDER BY id DESC LIMIT 1;
    sealed.id := coalesce(previous.id, 0) + 1;
    sealed.previous_head := coalesce(previous.head, repeat('0', 64));
    WITH due AS (
        SELECT id FROM audit_logs_dml
        WHERE batch IS NULL
          -- Numbers beyond the last one given out came with a restored backup: those rows are complete.
          AND (transaction_id < pg_snapshot_xmin(seen) OR transaction_id >= pg_snapshot_xmax(seen))
        ORDER BY id LIMIT p_most
    ), marked AS (
        UPDATE audit_logs_dml AS log SET batch = sealed.id FROM due WHERE log.id = due.id
        RETURNING log.id, log.created_at, sha256(convert_to(audit_row_text(log), 'UTF8')) AS digest
    )
    SELECT min(id), max(id), count(*), min(created_at), max(created_at), string_agg(digest, '' ORDER BY id)
    INTO sealed.first_id, sealed.last_id, sealed.row_count, sealed.oldest, sealed.newest, digests
    FROM marked;
    IF sealed.row_count = 0 THEN
        RETURN;
    END IF;
    sealed.head := encode(sha256(decode(sealed.previous_head, 'hex') || digests), 'hex');
    sealed.sealed_at := clock_timestamp();
    INSERT INTO audit_batches VALUES (sealed.*);
    RETURN NEXT sealed;
END
$$;

-- Removes the rows of the oldest batch if all of it is older than so many days; returns its number. The
-- batch itself stays, so that the chain can be followed. Fewer than 30 days are refused, whoever asks.
CREATE FUNCTION remove_oldest_audit_batch(p_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    oldest audit_batches;
BEGIN
    IF p_days < 30 OR NOT is_platform_admin() THEN
        RAISE EXCEPTION 'audit rows are kept for 30 days at least, and only the whole platform can be tidied'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT lock_audit_chain() THEN
        RETURN NULL;
    END IF;
    SELECT * INTO oldest FROM audit_batches WHERE removed_at IS NULL ORDER BY id LIMIT 1;
    IF oldest.newest IS NULL OR oldest.newest >= now() - make_interval(days => p_days) THEN
        RETURN NULL;
    END IF;
    DELETE FROM audit_logs_dml WHERE batch = oldest.id AND id BETWEEN oldest.first_id AND oldest.last_id;
    UPDATE audit_batches SET removed_at = clock_timestamp() WHERE id = oldest.id;
    RETURN oldest.id;
END
$$;

CREATE FUNCTION remove_old_security_events(p_days integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF p_days < 30 OR NOT is_platform_admin() THEN
        RAISE EXCEPTION 'security events are kept for 30 days at least, and only the whole platform can be tidied'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM security_events WHERE created_at < now() - make_interval(days => p_days);
END
$$;

-- A row inserted by hand in the originals' spelling: who has no name yet is named by the address, and
-- without a password hash nobody signs in.
ALTER TABLE users_enhanced ALTER COLUMN password_hash SET DEFAULT '';
ALTER TABLE users_enhanced ALTER COLUMN created_at SET DEFAULT now();
CREATE FUNCTION complete_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.username := coalesce(NEW.username, NEW.email);
    NEW.username_key := coalesce(NEW.username_key, lower(NEW.username));
    RETURN NEW;
END
$$;
CREATE TRIGGER complete_user BEFORE INSERT ON users_enhanced
    FOR EACH ROW EXECUTE FUNCTION complete_user();

-- Row security: the whole platform, one's tenant, or the tenants one is super admin of.
DO $$
DECLARE
    kind     text;
    rule     text;
    check_of text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['users_enhanced', 'user_sessions', 'rbac_roles', 'clients', 'rbac_user_roles',
                                'rbac_permissions', 'audit_logs_dml', 'security_events']
    LOOP
        rule := CASE kind
            WHEN 'clients' THEN
                'id = (SELECT current_tenant_id()) OR super_admin_id = (SELECT current_super_admin_id())'
            WHEN 'rbac_user_roles' THEN
                'EXISTS (SELECT FROM users_enhanced u WHERE u.id = user_id)
                 AND EXISTS (SELECT FROM rbac_roles r WHERE r.id = role_id)'
            WHEN 'rbac_permissions' THEN
                'EXISTS (SELECT FROM rbac_roles r WHERE r.id = role_id
                         AND (r.tenant_id IS NOT NULL OR (SELECT acts_without_tenant())))'
            ELSE
                'tenant_id = (SELECT current_tenant_id())
                 OR tenant_id IS NULL AND (SELECT acts_without_tenant())
                 OR tenant_id IN (SELECT c.id FROM clients c WHERE c.super_admin_id = (SELECT current_super_admin_id()))'
        END;
        -- Nobody but the owner may insert the two kinds of evidence, and does so in functions above,
        -- whoever a transaction acts for.
        check_of := CASE kind
            WHEN 'audit_logs_dml' THEN 'pg_trigger_depth() > 0 OR (SELECT is_platform_admin())'
            WHEN 'security_events' THEN 'true'
            ELSE format('(SELECT is_platform_admin()) OR %s', rule)
        END;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kind);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', kind);
        EXECUTE format('CREATE POLICY %I ON %I FOR ALL USING ((SELECT is_platform_admin()) OR %s) WITH CHECK (%s)',
                       kind || '_tenant_isolation', kind, rule, check_of);
    END LOOP;
END
$$;
-- Roles of the whole platform can be given by every tenant, and changed by none.
CREATE POLICY rbac_roles_platform_wide ON rbac_roles FOR SELECT
    USING (tenant_id IS NULL AND (SELECT tenant_settings_agree()));
CREATE POLICY rbac_permissions_platform_wide ON rbac_permissions FOR SELECT
    USING (EXISTS (SELECT FROM rbac_roles r WHERE r.id = role_id AND r.tenant_id IS NULL));

-- A session moves its last activity and its token all the time.
CREATE TRIGGER audit_user_sessions AFTER INSERT OR UPDATE OR DELETE ON user_sessions FOR EACH ROW
    EXECUTE FUNCTION audit_trigger_func('last_activity_at', 'token_hash', 'previous_hash', 'token_prefix',
                                        'rotated_at', 'issued', 'expires_at');
DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['clients', 'users_enhanced', 'rbac_roles', 'rbac_routes', 'rbac_actions',
                                'rbac_permissions', 'rbac_user_roles', 'platform_roles']
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW
                        EXECUTE FUNCTION audit_trigger_func()', 'audit_' || kind, kind);
    END LOOP;
END
$$;

CREATE TRIGGER security_users_enhanced AFTER UPDATE ON users_enhanced FOR EACH ROW
    WHEN (OLD.must_reset_password IS DISTINCT FROM NEW.must_reset_password
          OR OLD.is_active IS DISTINCT FROM NEW.is_active OR OLD.user_type IS DISTINCT FROM NEW.user_type)
    EXECUTE FUNCTION security_event_trigger_func();
CREATE TRIGGER security_rbac_user_roles AFTER INSERT OR DELETE ON rbac_user_roles FOR EACH ROW
    EXECUTE FUNCTION security_event_trigger_func();
CREATE TRIGGER security_rbac_permissions AFTER INSERT OR DELETE ON rbac_permissions FOR EACH ROW
    EXECUTE FUNCTION security_event_trigger_func();

-- Every function finds what it names in the system catalogue and in this schema, whatever the caller's
-- path; those that act as the owner are for roles that were granted them.
DO $$
DECLARE
    function record;
BEGIN
    FOR function IN
        SELECT oid::regprocedure AS signature, prosecdef AND proname <> 'is_platform_login' AS guarded
        FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND proname IN ('tenant_settings_agree', 'current_tenant_id', 'current_super_admin_id',
                          'is_platform_login', 'is_platform_admin', 'acts_without_tenant', 'set_tenant_context', 'set_service_context', 'set_audit_context',
                          'acting_user_id', 'acting_address', 'audit_trigger_func', 'log_security_event',
                          'lock_audit_chain', 'audit_row_text', 'seal_audit_rows', 'remove_oldest_audit_batch',
                          'remove_old_security_events', 'complete_user', 'security_event_trigger_func')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp',
                       function.signature, current_schema());
        IF function.guarded THEN
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function.signature);
        END IF;
    END LOOP;
END
$$;

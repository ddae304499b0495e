-- Who may do what: three kinds of users, tenants, and roles made of permissions `route:action`.

ALTER TABLE users RENAME TO users_enhanced;
ALTER TABLE users_enhanced RENAME COLUMN display_name TO name;

-- Tenants. name_key is the lower-case spelling that makes names unique.
CREATE TABLE clients (
    id             text        PRIMARY KEY,
    name           text        NOT NULL,
    name_key       text        NOT NULL UNIQUE,
    super_admin_id text        REFERENCES users_enhanced (id) ON DELETE SET NULL,
    is_active      boolean     NOT NULL DEFAULT 1,
    created_at     timestamp   NOT NULL
);
CREATE INDEX clients_super_admin ON clients (super_admin_id);

-- must_change_password is a hint; must_reset_password refuses the present password.
ALTER TABLE users_enhanced ADD COLUMN email text;
ALTER TABLE users_enhanced ADD COLUMN user_type text NOT NULL DEFAULT 'user'
    CHECK (user_type IN ('enterprise_admin', 'super_admin', 'user'));
ALTER TABLE users_enhanced ADD COLUMN tenant_id text REFERENCES clients (id);
ALTER TABLE users_enhanced ADD COLUMN must_reset_password boolean NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX users_enhanced_email ON users_enhanced (coalesce(tenant_id, ''), lower(email));
CREATE INDEX users_enhanced_tenant ON users_enhanced (tenant_id);

-- A role of one tenant, or (no tenant) of the whole platform. Nobody grants a role above their level.
CREATE TABLE rbac_roles (
    id          text        PRIMARY KEY,
    tenant_id   text        REFERENCES clients (id) ON DELETE CASCADE,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    level       bigint      NOT NULL CHECK (level BETWEEN 0 AND 100),
    is_system   boolean     NOT NULL DEFAULT 0,
    created_at  timestamp   NOT NULL
);
CREATE UNIQUE INDEX rbac_roles_name ON rbac_roles (coalesce(tenant_id, ''), lower(name));

-- A module of the API, and the lowest level of a role that may hold permissions of it.
CREATE TABLE rbac_routes (
    name           text   PRIMARY KEY,
    description    text   NOT NULL,
    min_role_level bigint NOT NULL
);

CREATE TABLE rbac_actions (
    name text PRIMARY KEY
);

CREATE TABLE rbac_permissions (
    role_id text NOT NULL REFERENCES rbac_roles (id) ON DELETE CASCADE,
    route   text NOT NULL REFERENCES rbac_routes (name),
    action  text NOT NULL REFERENCES rbac_actions (name),
    PRIMARY KEY (role_id, route, action)
);

CREATE TABLE rbac_user_roles (
    user_id    text        NOT NULL REFERENCES users_enhanced (id) ON DELETE CASCADE,
    role_id    text        NOT NULL REFERENCES rbac_roles (id) ON DELETE CASCADE,
    granted_by text,
    granted_at timestamp   NOT NULL,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX rbac_user_roles_role ON rbac_user_roles (role_id);

INSERT INTO rbac_actions (name) VALUES ('view'), ('create'), ('edit'), ('delete'), ('*');

INSERT INTO rbac_routes (name, description, min_role_level) VALUES
    ('reports',  'Figures of the ERP', 0),
    ('telegram', 'Linking Telegram chats to one''s own account', 0),
    ('users',    'People who may sign in', 50),
    ('sessions', 'Sessions of other users', 50),
    ('audit',    'Who changed what', 50),
    ('roles',    'Roles and their permissions', 80),
    ('tenants',  'Tenants', 90),
    ('cache',    'Caches of reports', 90),
    ('security', 'State of the security of the platform', 90),
    ('*',        'Everything', 100);

INSERT INTO rbac_roles (id, tenant_id, name, description, level, is_system, created_at) VALUES
    ('administrator', NULL, 'administrator', 'Everything', 100, 1, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    ('tenant-administrator', NULL, 'tenant-administrator', 'Users, roles and sessions of a tenant', 80, 1, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    ('reader', NULL, 'reader', 'Reads reports, also through Telegram', 10, 1, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));

INSERT INTO rbac_permissions (role_id, route, action) VALUES
    ('administrator', '*', '*'),
    ('tenant-administrator', 'users', '*'),
    ('tenant-administrator', 'roles', '*'),
    ('tenant-administrator', 'sessions', '*'),
    ('tenant-administrator', 'audit', '*'),
    ('tenant-administrator', 'reports', '*'),
    ('tenant-administrator', 'telegram', '*'),
    ('reader', 'reports', 'view'),
    ('reader', 'telegram', '*');

-- What the words in the old column meant.
UPDATE users_enhanced SET user_type = 'enterprise_admin' WHERE ' ' || roles || ' ' LIKE '% admin %';
INSERT INTO rbac_user_roles (user_id, role_id, granted_at)
    SELECT id, 'administrator', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM users_enhanced WHERE ' ' || roles || ' ' LIKE '% admin %';
INSERT INTO rbac_user_roles (user_id, role_id, granted_at)
    SELECT id, 'reader', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM users_enhanced WHERE ' ' || roles || ' ' LIKE '% reports %';
ALTER TABLE users_enhanced DROP COLUMN roles;

-- Whoever locks a user or a tenant here, by whatever means, ends their tokens: the row and the epoch
-- change together or not at all. So do a forced reset, another kind or tenant, and a deletion.
CREATE TRIGGER users_enhanced_epoch_update
    AFTER UPDATE OF is_active, must_reset_password, password_hash, user_type, tenant_id ON users_enhanced
    WHEN (OLD.is_active AND NOT NEW.is_active)
         OR OLD.password_hash <> NEW.password_hash
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
CREATE TRIGGER users_enhanced_epoch_delete
    AFTER DELETE ON users_enhanced
BEGIN
    UPDATE epoch_state
       SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer));
    INSERT INTO epoch_actions (action, revision)
        SELECT 'users_enhanced-' || revision, revision FROM epoch_state;
    INSERT INTO epochs (level, name, epoch) SELECT 'user', OLD.id, revision FROM epoch_state WHERE true
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END;
CREATE TRIGGER clients_epoch_update
    AFTER UPDATE OF is_active ON clients
    WHEN OLD.is_active AND NOT NEW.is_active
BEGIN
    UPDATE epoch_state
       SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer));
    INSERT INTO epoch_actions (action, revision)
        SELECT 'clients-' || revision, revision FROM epoch_state;
    INSERT INTO epochs (level, name, epoch) SELECT 'tenant', OLD.id, revision FROM epoch_state WHERE true
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END;

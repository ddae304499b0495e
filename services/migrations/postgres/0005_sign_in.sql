-- Where people are signed in. The row is the truth, Redis a copy of it. A session is ended by its epoch;
-- is_active follows. family_hash is of the part all refresh tokens of a session have in common, token_hash
-- of the one that may be used, previous_hash of the one it replaced. issued is the revision its tokens
-- carry.
CREATE TABLE user_sessions (
    id               text        PRIMARY KEY,
    user_id          text        NOT NULL REFERENCES users_enhanced (id) ON DELETE CASCADE,
    tenant_id        text,
    family_hash      text        NOT NULL UNIQUE,
    token_hash       text        NOT NULL UNIQUE,
    previous_hash    text,
    rotated_at       timestamptz,
    token_prefix     text        NOT NULL,
    issued           bigint      NOT NULL,
    ip_address       text,
    user_agent       text,
    created_at       timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    is_active        boolean     NOT NULL DEFAULT true
);
CREATE INDEX user_sessions_user ON user_sessions (user_id);
CREATE INDEX user_sessions_expires ON user_sessions (expires_at);

-- Codes that let somebody choose a new password once, as hashes. issued_by is empty for those that were
-- asked for through Telegram.
CREATE TABLE password_resets (
    code_hash  text        PRIMARY KEY,
    user_id    text        NOT NULL REFERENCES users_enhanced (id) ON DELETE CASCADE,
    issued_by  text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX password_resets_user ON password_resets (user_id);

-- Browsers somebody has signed in from, as hashes of their cookie and the user's name.
CREATE TABLE known_devices (
    device_hash  text        PRIMARY KEY,
    user_id      text        NOT NULL REFERENCES users_enhanced (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);
CREATE INDEX known_devices_user ON known_devices (user_id);

-- Sign-in attempts, on the columns of the original. identifier stays empty for names nobody has.
DROP INDEX login_attempts_at;
ALTER TABLE login_attempts RENAME COLUMN at TO created_at;
ALTER TABLE login_attempts RENAME COLUMN username_key TO identifier;
ALTER TABLE login_attempts RENAME COLUMN address TO ip_address;
ALTER TABLE login_attempts ADD COLUMN identifier_type text NOT NULL DEFAULT 'username';
ALTER TABLE login_attempts ADD COLUMN user_id text;
ALTER TABLE login_attempts ADD COLUMN user_agent text;
ALTER TABLE login_attempts ADD COLUMN success boolean NOT NULL DEFAULT false;
ALTER TABLE login_attempts ADD COLUMN failure_reason text;
ALTER TABLE login_attempts ADD COLUMN attempt_time timestamptz GENERATED ALWAYS AS (created_at) STORED;
UPDATE login_attempts SET success = (outcome = 'signed-in'),
    failure_reason = CASE outcome WHEN 'signed-in' THEN NULL ELSE 'refused' END,
    user_id = (SELECT id FROM users_enhanced u WHERE u.username_key = login_attempts.identifier);
ALTER TABLE login_attempts DROP COLUMN outcome;
CREATE INDEX login_attempts_created ON login_attempts (created_at);
CREATE INDEX login_attempts_identifier ON login_attempts (identifier, created_at);

-- The number of the last revocation, and up to which all older tokens have expired. One row, whose
-- lock puts revocations in order. Both begin at zero: tokens from before this table count as zero.
CREATE TABLE epoch_state (
    id       bigint PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL,
    settled  bigint NOT NULL
);
INSERT INTO epoch_state (id, revision, settled) VALUES (1, 0, 0);

-- What was revoked: level is all, tenant, user or session, name its id (empty for all), and epoch the
-- number of its last revocation. Tokens issued under a smaller number are not valid.
CREATE TABLE epochs (
    level text   NOT NULL,
    name  text   NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (level, name)
);
CREATE INDEX epochs_epoch ON epochs (epoch);

-- Revocations by name, so that one that is asked for again happens once.
CREATE TABLE epoch_actions (
    action   text   PRIMARY KEY,
    revision bigint NOT NULL
);

-- Processes that may hold a lease, and what each confirmed.
CREATE TABLE epoch_processes (
    process       text        PRIMARY KEY,
    lease_ms      bigint      NOT NULL,
    confirmed     bigint      NOT NULL,
    expelled      boolean     NOT NULL,
    registered_at timestamp   NOT NULL
);

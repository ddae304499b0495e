-- The tables of the audit trail, so that both engines answer the same questions. Triggers, row security and
-- seals are PostgreSQL's: whoever holds the file of a SQLite store may change anything in it.
CREATE TABLE audit_logs_dml (
    id               integer     PRIMARY KEY,
    table_name       text        NOT NULL,
    operation        text        NOT NULL,
    action           text        GENERATED ALWAYS AS (operation) VIRTUAL,
    row_id           text,
    old_data         text,
    new_data         text,
    changed_fields   text,
    user_id          text,
    tenant_id        text,
    service_name     text,
    application_name text,
    db_user          text        NOT NULL,
    effective_role   text        NOT NULL,
    request_id       text,
    ip_address       text,
    created_at       timestamp   NOT NULL,
    changed_at       timestamp   GENERATED ALWAYS AS (created_at) VIRTUAL,
    batch            bigint
);
CREATE INDEX audit_logs_dml_created_at ON audit_logs_dml (created_at);

CREATE TABLE audit_batches (
    id            bigint      PRIMARY KEY,
    first_id      bigint      NOT NULL,
    last_id       bigint      NOT NULL,
    row_count     bigint      NOT NULL,
    oldest        timestamp   NOT NULL,
    newest        timestamp   NOT NULL,
    previous_head text        NOT NULL,
    head          text        NOT NULL,
    sealed_at     timestamp   NOT NULL,
    removed_at    timestamp
);

CREATE TABLE security_events (
    id             integer     PRIMARY KEY,
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
    event_details  text        NOT NULL DEFAULT '{}',
    created_at     timestamp   NOT NULL
);
CREATE INDEX security_events_created_at ON security_events (created_at);

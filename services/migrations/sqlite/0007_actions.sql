-- What incident actions changed of users, so that it can be put back: action is the uid of the action,
-- kind disable or force-reset, content what was there before.
CREATE TABLE incident_snapshots (
    action    text        PRIMARY KEY,
    kind      text        NOT NULL,
    user_id   text        NOT NULL,
    content   text        NOT NULL,
    taken_at  timestamp   NOT NULL,
    undone_at timestamp
);
CREATE INDEX incident_snapshots_user ON incident_snapshots (user_id, kind);

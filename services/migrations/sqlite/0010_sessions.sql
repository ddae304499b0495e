-- A session that is ended or deleted by a statement takes its tokens with it, as a locked user does. What the
-- program ends has its epoch before its row changes, and what has expired needs none: neither raises another.
CREATE TRIGGER user_sessions_epoch_update
    AFTER UPDATE OF is_active ON user_sessions
    WHEN OLD.is_active AND NOT NEW.is_active
         AND NOT EXISTS (SELECT 1 FROM epochs
                         WHERE epoch > OLD.issued
                           AND (level = 'all' OR (level = 'tenant' AND name = OLD.tenant_id)
                                OR (level = 'user' AND name = OLD.user_id)
                                OR (level = 'session' AND name = OLD.id)))
BEGIN
    UPDATE epoch_state
       SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer));
    INSERT INTO epoch_actions (action, revision)
        SELECT 'user_sessions-' || revision, revision FROM epoch_state;
    INSERT INTO epochs (level, name, epoch) SELECT 'session', OLD.id, revision FROM epoch_state WHERE true
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END;
CREATE TRIGGER user_sessions_epoch_delete
    AFTER DELETE ON user_sessions
    WHEN OLD.is_active AND OLD.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
         AND NOT EXISTS (SELECT 1 FROM epochs
                         WHERE epoch > OLD.issued
                           AND (level = 'all' OR (level = 'tenant' AND name = OLD.tenant_id)
                                OR (level = 'user' AND name = OLD.user_id)
                                OR (level = 'session' AND name = OLD.id)))
BEGIN
    UPDATE epoch_state
       SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer));
    INSERT INTO epoch_actions (action, revision)
        SELECT 'user_sessions-' || revision, revision FROM epoch_state;
    INSERT INTO epochs (level, name, epoch) SELECT 'session', OLD.id, revision FROM epoch_state WHERE true
        ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch;
END;

-- Codes that link a chat to a user, stored as hashes; each works once and for a short time.
CREATE TABLE telegram_codes (
    code_hash  text        PRIMARY KEY,
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamp   NOT NULL,
    used_at    timestamp
);

-- Linked chats and the company each one looks at.
CREATE TABLE telegram_links (
    chat_id   bigint      PRIMARY KEY,
    user_id   text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    chat_name text        NOT NULL,
    server    text,
    company   text,
    linked_at timestamp   NOT NULL
);
CREATE INDEX telegram_links_user ON telegram_links (user_id);

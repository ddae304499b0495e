-- People who may sign in. username_key is the lower-case spelling that makes names unique.
CREATE TABLE users (
    id                   text        PRIMARY KEY,
    username             text        NOT NULL,
    username_key         text        NOT NULL UNIQUE,
    display_name         text        NOT NULL,
    password_hash        text        NOT NULL,
    roles                text        NOT NULL,
    must_change_password boolean     NOT NULL DEFAULT 0,
    is_active            boolean     NOT NULL DEFAULT 1,
    created_at           timestamp   NOT NULL
);

-- Sign-in attempts. username_key is set only for existing users: a mistyped name may be a password.
CREATE TABLE login_attempts (
    id           text        PRIMARY KEY,
    at           timestamp   NOT NULL,
    username_key text,
    address      text,
    outcome      text        NOT NULL
);
CREATE INDEX login_attempts_at ON login_attempts (at);

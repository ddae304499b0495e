-- Accounts of people who sign in at an ERP server. Such a row is made at the first sign-in and has no
-- password; erp_server is the server's name in the configuration, erp_user the user's id there. username is
-- the name there, an @ and the server's.
ALTER TABLE users_enhanced ADD COLUMN erp_server text;
ALTER TABLE users_enhanced ADD COLUMN erp_user text
    CONSTRAINT users_enhanced_erp_whole CHECK ((erp_user IS NULL) = (erp_server IS NULL));
-- Who has a password here signs in here, and administrators get in when no ERP answers.
ALTER TABLE users_enhanced ADD CONSTRAINT users_enhanced_erp_plain
    CHECK (erp_server IS NULL OR (password_hash = '' AND user_type = 'user'));
CREATE UNIQUE INDEX users_enhanced_erp ON users_enhanced (erp_server, erp_user);

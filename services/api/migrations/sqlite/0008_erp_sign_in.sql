-- Accounts of people who sign in at an ERP server. Such a row is made at the first sign-in and has no
-- password; erp_server is the server's name in the configuration, erp_user the user's id there. username is
-- the name there, an @ and the server's.
ALTER TABLE users_enhanced ADD COLUMN erp_server text
    CHECK (erp_server IS NULL OR (password_hash = '' AND user_type = 'user'));
ALTER TABLE users_enhanced ADD COLUMN erp_user text
    CHECK ((erp_user IS NULL) = (erp_server IS NULL));
CREATE UNIQUE INDEX users_enhanced_erp ON users_enhanced (erp_server, erp_user);

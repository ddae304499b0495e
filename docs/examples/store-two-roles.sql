-- Gives the tables of the store to a role of their own, so that the one that serves can no longer change or
-- switch off anything. Run as superuser, in the store's database, while the application serves: it is one
-- transaction. docs/how-to/store-two-roles.md says what follows.
--
--   psql --dbname reportapp --set owner=reportapp_owner --set serving=reportapp --file store-two-roles.sql
--
-- The owner's login must exist: CREATE ROLE reportapp_owner LOGIN PASSWORD '…';
\set ON_ERROR_STOP on
BEGIN;
REASSIGN OWNED BY :"serving" TO :"owner";
-- Enough to go on serving until the first migration narrows it.
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO :"serving";
GRANT USAGE ON SCHEMA public TO :"serving";
GRANT ALL ON ALL TABLES IN SCHEMA public TO :"serving";
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO :"serving";
INSERT INTO platform_roles (role) VALUES (:'serving') ON CONFLICT (role) DO NOTHING;
COMMIT;

-- Signing in at the sample ERP, for PostgreSQL. The three functions of pack_drepturi are the contract (see
-- SCHEMA.md); the tables and the hash behind them are the sample's own business, as a real ERP has its own.

CREATE SCHEMA IF NOT EXISTS contafin_oracle;
CREATE SCHEMA IF NOT EXISTS pack_drepturi;

-- Who may sign in.
CREATE TABLE IF NOT EXISTS contafin_oracle.utilizatori (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    utilizator text    NOT NULL,             -- the name to sign in with, unique in any case
    nume       text    NOT NULL,             -- the name to show
    sare       bytea   NOT NULL,             -- salt of the password
    iteratii   integer NOT NULL CHECK (iteratii > 0),
    parola     bytea   NOT NULL,             -- contafin_oracle.rezumat of the password
    activ      boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX IF NOT EXISTS utilizatori_nume ON contafin_oracle.utilizatori (lower(utilizator));

-- Which companies a user may read. A company that does not exist gives no right.
CREATE TABLE IF NOT EXISTS contafin_oracle.drepturi (
    utilizator bigint NOT NULL REFERENCES contafin_oracle.utilizatori (id) ON DELETE CASCADE,
    company    text   NOT NULL,              -- companies.id
    PRIMARY KEY (utilizator, company)
);

-- A password cannot be read back from it, and guessing at a stolen one takes the work of each iteration.
-- What PostgreSQL brings along must do: an extension may be missing.
CREATE OR REPLACE FUNCTION contafin_oracle.rezumat(parola text, sare bytea, iteratii integer)
RETURNS bytea LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    adaos    bytea := sare || convert_to(parola, 'UTF8');
    rezultat bytea := sha256(adaos);
BEGIN
    FOR pas IN 2..iteratii LOOP
        rezultat := sha256(rezultat || adaos);
    END LOOP;
    RETURN rezultat;
END
$$;

-- The id of the user with this name and password who is active, or NULL. A name nobody has takes the same
-- work as a wrong password, so the time of an answer tells nothing.
CREATE OR REPLACE FUNCTION pack_drepturi.verificautilizator(utilizator text, parola text)
RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gasit    contafin_oracle.utilizatori%ROWTYPE;
    exista   boolean;
    rezultat bytea;
BEGIN
    SELECT u.* INTO gasit FROM contafin_oracle.utilizatori u
     WHERE lower(u.utilizator) = lower(btrim(verificautilizator.utilizator));
    exista := FOUND;
    rezultat := contafin_oracle.rezumat(
        verificautilizator.parola,
        coalesce(gasit.sare, '\x00000000000000000000000000000000'::bytea),
        coalesce(gasit.iteratii, 20000));
    IF exista AND gasit.activ AND rezultat = gasit.parola THEN
        RETURN gasit.id::text;
    END IF;
    RETURN NULL;
END
$$;

-- Name to sign in with, name to show, and whether the user may sign in; no row for an unknown id.
CREATE OR REPLACE FUNCTION pack_drepturi.date_utilizator(id text)
RETURNS TABLE (utilizator text, nume text, activ boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.utilizator, u.nume, u.activ FROM contafin_oracle.utilizatori u WHERE u.id::text = $1
$$;

-- The companies a user may read now.
CREATE OR REPLACE FUNCTION pack_drepturi.companii(id text)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.company
      FROM contafin_oracle.drepturi d JOIN contafin_oracle.utilizatori u ON u.id = d.utilizator
     WHERE u.id::text = $1 AND u.activ
$$;

-- Nobody calls them who was not told to; whoever may, reads no table behind them.
REVOKE ALL ON FUNCTION contafin_oracle.rezumat(text, bytea, integer) FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pack_drepturi FROM PUBLIC;

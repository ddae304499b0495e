-- The ERP database the reports read. One text for PostgreSQL and SQLite; amounts are numeric(15,2),
-- which SQLite keeps as whole hundredths (see SCHEMA.md).

-- A company with books of its own.
CREATE TABLE IF NOT EXISTS companies (
    id       text PRIMARY KEY,           -- short and stable: 'carpati'
    name     text NOT NULL,              -- as registered
    tax_id   text NOT NULL,              -- CUI: 'RO…'; empty if unknown
    currency text NOT NULL               -- ISO 4217: 'RON'
);

-- Accounts in use, and the synthetic ones above them.
CREATE TABLE IF NOT EXISTS accounts (
    company  text NOT NULL REFERENCES companies (id),
    cont     text NOT NULL,              -- '371', or with an analytic part '4111.0012'
    denumire text,                       -- name; may be missing
    PRIMARY KEY (company, cont)
);

-- The journal. The lines of one document balance; exactly one of debit and credit is not zero.
CREATE TABLE IF NOT EXISTS postings (
    id        integer PRIMARY KEY,
    company   text NOT NULL REFERENCES companies (id),
    document  text NOT NULL,
    posted_on date NOT NULL,
    cont      text NOT NULL,
    debit     numeric(15,2) NOT NULL CHECK (debit >= 0),
    credit    numeric(15,2) NOT NULL CHECK (credit >= 0),
    text      text NOT NULL
);
CREATE INDEX IF NOT EXISTS postings_by_day ON postings (company, posted_on);
CREATE INDEX IF NOT EXISTS postings_by_account ON postings (company, cont, posted_on);

-- Clients (4111.…) and suppliers (401.…); the analytic account identifies the partner.
CREATE TABLE IF NOT EXISTS partners (
    company text NOT NULL REFERENCES companies (id),
    cont    text NOT NULL,
    name    text NOT NULL,
    tax_id  text NOT NULL,
    PRIMARY KEY (company, cont)
);

-- Invoices to clients ('issued') and from suppliers ('received').
CREATE TABLE IF NOT EXISTS invoices (
    company   text NOT NULL REFERENCES companies (id),
    number    text NOT NULL,             -- also postings.document
    direction text NOT NULL CHECK (direction IN ('issued', 'received')),
    partner   text NOT NULL,             -- partners.cont
    issued_on date NOT NULL,
    due_on    date NOT NULL,
    net       numeric(15,2) NOT NULL,
    vat       numeric(15,2) NOT NULL,    -- total = net + vat
    PRIMARY KEY (company, number)
);
CREATE INDEX IF NOT EXISTS invoices_by_day ON invoices (company, issued_on);

CREATE TABLE IF NOT EXISTS invoice_lines (
    company     text NOT NULL,
    invoice     text NOT NULL,           -- invoices.number
    line        integer NOT NULL,        -- from 1
    description text NOT NULL,
    quantity    integer NOT NULL,
    unit_price  numeric(15,2) NOT NULL,
    vat_rate    integer NOT NULL,        -- percent
    net         numeric(15,2) NOT NULL,
    vat         numeric(15,2) NOT NULL,
    PRIMARY KEY (company, invoice, line)
);

-- Receipts ('issued' invoices) and payments ('received' ones), by bank or cash desk.
CREATE TABLE IF NOT EXISTS payments (
    company   text NOT NULL REFERENCES companies (id),
    document  text NOT NULL,             -- also postings.document
    invoice   text NOT NULL,             -- invoices.number
    direction text NOT NULL CHECK (direction IN ('issued', 'received')),
    paid_on   date NOT NULL,
    cont      text NOT NULL,             -- 5121.… or 5311
    amount    numeric(15,2) NOT NULL,
    PRIMARY KEY (company, document)
);
CREATE INDEX IF NOT EXISTS payments_by_invoice ON payments (company, invoice);

-- Every month from a company's first posting to its last. Derived; see SCHEMA.md.
CREATE TABLE IF NOT EXISTS periods (
    company text NOT NULL REFERENCES companies (id),
    period  integer NOT NULL,            -- year * 100 + month, which sorts as time does
    year    integer NOT NULL,
    month   integer NOT NULL,
    PRIMARY KEY (company, period)
);

-- Turnover per account and month. Derived; see SCHEMA.md.
CREATE TABLE IF NOT EXISTS monthly_turnover (
    company text NOT NULL REFERENCES companies (id),
    cont    text NOT NULL,
    period  integer NOT NULL,
    debit   numeric(15,2) NOT NULL,
    credit  numeric(15,2) NOT NULL,
    PRIMARY KEY (company, cont, period)
);

-- The trial balance ("balanță de verificare"). Ask for one company, year and month at a time.
--   PREC* net balance of all postings before the month, on the side it falls
--   RUL*  turnover of the month
--   SOLD* net balance at the end of the month, on the side it falls
-- An account is there from its first posting on.
DROP VIEW IF EXISTS vbal;
CREATE VIEW vbal AS
SELECT b.company, b.an, b.luna, b.cont, a.denumire,
       CASE WHEN b.prec > 0 THEN b.prec ELSE 0 END AS precdeb,
       CASE WHEN b.prec < 0 THEN -b.prec ELSE 0 END AS preccred,
       b.ruldeb, b.rulcred,
       CASE WHEN b.prec + b.ruldeb > b.rulcred THEN b.prec + b.ruldeb - b.rulcred ELSE 0 END AS solddeb,
       CASE WHEN b.prec + b.ruldeb < b.rulcred THEN b.rulcred - b.prec - b.ruldeb ELSE 0 END AS soldcred
  FROM (SELECT p.company, p.year AS an, p.month AS luna, t.cont,
               SUM(CASE WHEN t.period < p.period THEN t.debit - t.credit ELSE 0 END) AS prec,
               SUM(CASE WHEN t.period = p.period THEN t.debit ELSE 0 END) AS ruldeb,
               SUM(CASE WHEN t.period = p.period THEN t.credit ELSE 0 END) AS rulcred
          FROM periods p
          JOIN monthly_turnover t ON t.company = p.company AND t.period <= p.period
         GROUP BY p.company, p.year, p.month, t.cont) b
  LEFT JOIN accounts a ON a.company = b.company AND a.cont = b.cont;

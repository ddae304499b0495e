"""What both rivals share: the statements of the product's own reports, the pool, and who may ask."""

import os
from contextlib import asynccontextmanager

import asyncpg
import jwt
from fastapi import FastAPI, Header, HTTPException

SECRET = os.environ["RIVAL_SECRET"]

COMPANIES = "SELECT id, name, tax_id, currency FROM companies ORDER BY name"

INVOICES = """
WITH i AS (
  SELECT number, direction, partner, issued_on, due_on, net, vat, net + vat AS total,
         COALESCE((SELECT sum(amount) FROM payments p
                    WHERE p.company = $1 AND p.invoice = number AND p.paid_on <= $3), 0) AS paid
    FROM invoices
   WHERE company = $1 AND issued_on BETWEEN $2 AND $3),
s AS (
  SELECT i.*, CASE WHEN total >= 0 AND paid >= total OR total < 0 AND paid <= total THEN 'paid'
                   WHEN due_on < $3 THEN 'overdue' ELSE 'open' END AS status
    FROM i),
r AS (
  SELECT s.number, s.direction, s.partner, n.name AS partner_name, s.issued_on, s.due_on,
         s.net, s.vat, s.total, s.paid, s.total - s.paid AS rest, s.status,
         CASE WHEN s.status = 'overdue' THEN $3 - s.due_on ELSE 0 END AS days_overdue
    FROM s LEFT JOIN partners n ON n.company = $1 AND n.cont = s.partner)
"""
ROWS = INVOICES + "SELECT * FROM r ORDER BY issued_on DESC, number LIMIT 100"
TOTALS = INVOICES + """
SELECT count(*) AS count, sum(net) AS net, sum(vat) AS vat, sum(total) AS total, sum(paid) AS paid, sum(rest) AS rest
  FROM r"""

# What is exported whole.
BULK = """
SELECT number, direction, partner, issued_on, due_on, net, vat, net + vat AS total
  FROM invoices WHERE company = $1 ORDER BY issued_on, number
"""
HEADINGS = ["number", "direction", "partner", "issued_on", "due_on", "net", "vat", "total"]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(os.environ["RIVAL_DSN"], min_size=10, max_size=10) as app.state.pool:
        yield


def signed_in(authorization: str = Header("")) -> str:
    """Who asks. The product also asks whether the session was ended since, and what its user may read."""
    try:
        token = authorization.removeprefix("Bearer ")
        return jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error

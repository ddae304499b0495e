"""FastAPI as its tutorial has it: models of answers, the default JSON, the default loop."""

from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal

from fastapi import Depends, FastAPI
from pydantic import BaseModel

import queries


class Company(BaseModel):
    id: str
    name: str
    tax_id: str
    currency: str


class Invoice(BaseModel):
    number: str
    direction: str
    partner: str
    partner_name: str | None
    issued_on: date
    due_on: date
    net: Decimal
    vat: Decimal
    total: Decimal
    paid: Decimal
    rest: Decimal
    status: str
    days_overdue: int


class Page(BaseModel):
    rows: list[Invoice]
    count: int
    net: Decimal | None
    vat: Decimal | None
    total: Decimal | None


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await queries.pool()
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/api/companies", response_model=list[Company])
async def companies(user: str = Depends(queries.signed_in)):
    return [Company(**row) for row in await app.state.pool.fetch(queries.COMPANIES)]


@app.get("/api/invoices", response_model=Page)
async def invoices(company: str, first: date, last: date, user: str = Depends(queries.signed_in)):
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(queries.ROWS, company, first, last)
        totals = await connection.fetchrow(queries.TOTALS, company, first, last)
    return Page(rows=[Invoice(**row) for row in rows], **totals)

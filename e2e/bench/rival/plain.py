"""FastAPI as its tutorial has it: models of answers, the default JSON, the default loop; files are made whole."""

import csv
import io
from datetime import date
from decimal import Decimal

from fastapi import Depends, FastAPI, Response
from openpyxl import Workbook
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
    paid: Decimal | None
    rest: Decimal | None


app = FastAPI(lifespan=queries.lifespan)


@app.get("/api/companies", response_model=list[Company])
async def companies(user: str = Depends(queries.signed_in)):
    return [Company(**row) for row in await app.state.pool.fetch(queries.COMPANIES)]


@app.get("/api/invoices", response_model=Page)
async def invoices(company: str, first: date, last: date, user: str = Depends(queries.signed_in)):
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(queries.ROWS, company, first, last)
        totals = await connection.fetchrow(queries.TOTALS, company, first, last)
    return Page(rows=[Invoice(**row) for row in rows], **totals)


@app.get("/api/export.csv")
async def export_csv(company: str, user: str = Depends(queries.signed_in)):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(queries.HEADINGS)
    writer.writerows(await app.state.pool.fetch(queries.BULK, company))
    return Response(text.getvalue(), media_type="text/csv")


@app.get("/api/export.xlsx")
async def export_xlsx(company: str, user: str = Depends(queries.signed_in)):
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(queries.HEADINGS)
    for row in await app.state.pool.fetch(queries.BULK, company):
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return Response(file.getvalue(), media_type=queries.XLSX)

"""FastAPI with what makes it faster: no models of answers, orjson, files row by row; uvicorn runs it on uvloop and
httptools."""

import csv
import io
import tempfile
from datetime import date

import orjson
import xlsxwriter
from fastapi import Depends, FastAPI, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask

import queries


app = FastAPI(lifespan=queries.lifespan)


def answer(content) -> Response:
    return Response(orjson.dumps(content, default=str), media_type="application/json")


@app.get("/api/companies")
async def companies(user: str = Depends(queries.signed_in)):
    return answer([dict(row) for row in await app.state.pool.fetch(queries.COMPANIES)])


@app.get("/api/invoices")
async def invoices(company: str, first: date, last: date, user: str = Depends(queries.signed_in)):
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(queries.ROWS, company, first, last)
        totals = await connection.fetchrow(queries.TOTALS, company, first, last)
    return answer({"rows": [dict(row) for row in rows], **totals})


async def bulk(company: str):
    """The rows in pieces, from a cursor."""
    async with app.state.pool.acquire() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(queries.BULK, company)
        while rows := await cursor.fetch(2000):
            yield rows


@app.get("/api/export.csv")
async def export_csv(company: str, user: str = Depends(queries.signed_in)):
    async def lines():
        yield ",".join(queries.HEADINGS) + "\r\n"
        async for rows in bulk(company):
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            yield text.getvalue()

    return StreamingResponse(lines(), media_type="text/csv")


@app.get("/api/export.xlsx")
async def export_xlsx(company: str, user: str = Depends(queries.signed_in)):
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")
    book = xlsxwriter.Workbook(file.name, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, queries.HEADINGS)
    number = 1
    async for rows in bulk(company):
        for row in rows:
            sheet.write_row(number, 0, row)
            number += 1
    book.close()
    return FileResponse(file.name, media_type=queries.XLSX, background=BackgroundTask(file.close))

// The grid's columns from a report's own: widths by what is in them, the leading texts frozen, links.
import type { RouteLocationRaw } from 'vue-router'
import type { Localised, ReportAnswer, ReportDefinition, ReportLink, ReportRow } from '@/api/catalogue'
import type { GridColumn } from '@/components/grid/types'
import { HEADING_ROOM, LEAST_AMOUNT_WIDTH, widthInDigits } from '@/components/grid/widths'
import { defaultColumns } from '@/router/reportQuery'
import { cellText, cellTone, isResult, totalText, type CellWords, type ChoiceTitles } from './cells'
import { presentColumns, type PresentColumn } from './rows'
import { columnTitle } from './titles'

/** Wider texts are cut on the screen, never on paper or in the sheet of a row. */
const WIDEST_TEXT = 34
/** A text column of at least this width takes a share of the room that is left. */
const GROWS_FROM = 18
/** Proportional letters are narrower than digits on the whole. */
const LETTER = 0.95
/** Reading every row of a large report for its widths would take longer than drawing it. */
const MEASURED_ROWS = 5_000
/** Room in the first column for the arrow of a heading, whose letters are bold besides. */
const TURN_PX = 28

export interface ColumnContext {
  locale: keyof Localised
  words: CellWords
  choices: ChoiceTitles
  /** Names of the columns to show. */
  shown: readonly string[]
  /** Whether some rows are headings that open and close. */
  headings: boolean
  /** What the report was asked for. */
  parameters: Readonly<Record<string, string>>
  /** Where a link leads; undefined for a report one may not open. */
  drill: (report: string, parameters: Record<string, string>) => RouteLocationRaw | undefined
}

export function reportColumns(definition: ReportDefinition, answer: ReportAnswer, context: ColumnContext): GridColumn<ReportRow>[] {
  const present = presentColumns(definition, answer)
  const wanted = present.filter(({ name }) => context.shown.includes(name))
  const telling = wanted.filter((column) => !repeats(answer, column, context.parameters))
  const shown = telling.length > 0 && sameColumns(definition, context.shown) ? telling : wanted
  const columns = shown.map((column, index) => gridColumn(answer, present, column, context, index === 0 && context.headings ? TURN_PX : 0))
  return withRoom(frozen(columns, shown))
}

/** A column that says in every row what was asked for says nothing. */
function repeats(answer: ReportAnswer, { name, index }: PresentColumn, parameters: ColumnContext['parameters']): boolean {
  const asked = parameters[name]
  return asked !== undefined && answer.rows.length > 0 && answer.rows.every((row) => row[index] === asked)
}

function sameColumns(definition: ReportDefinition, shown: readonly string[]): boolean {
  return shown.join() === defaultColumns(definition).join()
}

function gridColumn(answer: ReportAnswer, present: readonly PresentColumn[], column: PresentColumn, context: ColumnContext, room: number): GridColumn<ReportRow> {
  const { locale, drill } = context
  const result = isResult(present, column)
  const text = cellText(column, result, context.choices, context.words)
  const numeric = column.kind === 'amount' || column.kind === 'integer'
  const label = columnTitle(column, locale, context.parameters)
  const { link } = column
  return {
    key: column.name,
    label,
    ...(column.group && { group: column.group[locale] }),
    width: `calc(${columnWidth(answer, column, text, label)}ch + ${(numeric ? 24 : 20) + room}px)`,
    grows: false,
    numeric,
    result,
    text,
    tone: (row) => cellTone(column, row),
    ...(link && { to: (row: ReportRow) => linkTo(present, link, row, text(row), drill) }),
  }
}

/** A cell leads somewhere when it shows something and the row has every value that the link needs. */
function linkTo(present: readonly PresentColumn[], link: ReportLink, row: ReportRow, text: string, drill: ColumnContext['drill']): RouteLocationRaw | undefined {
  if (text === '') return undefined
  const parameters: Record<string, string> = {}
  for (const [parameter, name] of Object.entries(link.parameters)) {
    const column = present.find((one) => one.name === name)
    const value = column && row[column.index]
    if (value === null || value === undefined) return undefined
    parameters[parameter] = String(value)
  }
  return drill(link.report, parameters)
}

function columnWidth(answer: ReportAnswer, column: PresentColumn, text: (row: ReportRow) => string, label: string): number {
  let widest = label.length * LETTER + HEADING_ROOM
  if (column.kind === 'amount') widest = Math.max(widest, LEAST_AMOUNT_WIDTH)
  if (column.total) widest = Math.max(widest, widthInDigits(totalText(answer.totals[column.name] ?? null)))
  if (column.kind === 'text') {
    for (const row of answer.rows.slice(0, MEASURED_ROWS)) widest = Math.max(widest, widthInDigits(text(row)) * LETTER)
    widest = Math.min(widest, WIDEST_TEXT)
  } else {
    widest = Math.max(widest, widthInDigits(text(longestIn(answer.rows, column.index))))
  }
  return Math.ceil(widest * 2) / 2
}

/** The row whose cell is written longest; figures are never cut, so every row counts. */
function longestIn(rows: readonly ReportRow[], index: number): ReportRow {
  let longest: ReportRow = []
  let length = 0
  for (const row of rows) {
    const here = String(row[index] ?? '').length
    if (here > length) [longest, length] = [row, here]
  }
  return longest
}

/** Code and name stay in sight: the first column, and the next one when both are text. */
function frozen(columns: GridColumn<ReportRow>[], shown: readonly PresentColumn[]): GridColumn<ReportRow>[] {
  const [first, second, ...others] = columns
  if (!first) return columns
  const pair = second && shown[0]?.kind === 'text' && shown[1]?.kind === 'text'
  return [
    { ...first, frozenAt: '0px' },
    ...(second ? [pair ? { ...second, frozenAt: first.width } : second] : []),
    ...others,
  ]
}

/** What is left of the width goes to the texts; to the first column when there are none. */
function withRoom(columns: GridColumn<ReportRow>[]): GridColumn<ReportRow>[] {
  const wide = (column: GridColumn<ReportRow>) => !column.numeric && digits(column.width) >= GROWS_FROM && column.frozenAt !== '0px'
  const any = columns.some(wide)
  return columns.map((column, index) => ({ ...column, grows: any ? wide(column) : index === 0 }))
}

function digits(width: string): number {
  return Number(/calc\(([\d.]+)ch/.exec(width)?.[1] ?? 0)
}

// Which rows go onto paper. The rows of the screen are drawn a screen at a time; paper gets them all, up to
// what somebody would still read.

export const PRINT_ROWS = 2_000

export interface PrintRows<Row> {
  rows: Row[]
  /** How many there are; more than `rows` when some are left out. */
  of: number
}

/** The first rows that are here: a row that has not come yet is left out, and counted. */
export function printRows<Row>(rows: readonly (Row | undefined)[]): PrintRows<Row> {
  const first = rows.slice(0, PRINT_ROWS).filter((row): row is Row => row !== undefined)
  return { rows: first, of: rows.length }
}

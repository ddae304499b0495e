// A report too large to be here as a whole: the API searches, filters and sorts it, and what comes into sight
// is fetched a window of rows at a time. Rows that have not come yet are undefined.
import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, shallowRef, watch, type Ref } from 'vue'
import type { ReportDefinition, ReportRequest, ReportRow } from '@/api/catalogue'
import { reportQuery } from '@/queries/reports'

export const WINDOW_ROWS = 1_000
/** Browsers draw no taller element than this many rows. */
const MOST_ROWS = 900_000

/** Numbers from 1, as the API counts pages. */
export function windowsOf(first: number, last: number): number[] {
  const from = Math.floor(first / WINDOW_ROWS)
  const to = Math.floor(last / WINDOW_ROWS)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i + 1)
}

/** The rows with one window put in. */
export function withWindow(rows: readonly (ReportRow | undefined)[], page: number, part: readonly ReportRow[]): (ReportRow | undefined)[] {
  const next = rows.slice()
  const start = (page - 1) * WINDOW_ROWS
  part.slice(0, Math.max(0, next.length - start)).forEach((row, index) => (next[start + index] = row))
  return next
}

export function useWindows(definition: ReportDefinition, request: Readonly<Ref<ReportRequest | null>>) {
  const client = useQueryClient()
  const first = useQuery(computed(() => reportQuery(definition, request.value)))
  const rows = shallowRef<(ReportRow | undefined)[]>([])
  let asked = new Set<number>()
  let inSight: readonly [number, number] = [0, 0]

  watch(
    first.data,
    (answer) => {
      asked = new Set([1])
      const empty = new Array<undefined>(Math.min(answer?.totalRows ?? 0, MOST_ROWS)).fill(undefined)
      rows.value = answer ? withWindow(empty, 1, answer.rows) : []
      // In another order the same places hold other rows.
      void show(...inSight)
    },
    { immediate: true },
  )

  /** Fetches the windows that hold these rows. One that fails is asked for again when it comes into sight. */
  async function show(firstRow: number, lastRow: number): Promise<void> {
    inSight = [firstRow, lastRow]
    const wanted = request.value
    if (!wanted || first.isPlaceholderData.value || rows.value.length === 0) return
    const end = rows.value.length - 1
    const missing = windowsOf(Math.min(firstRow, end), Math.min(lastRow, end)).filter((page) => !asked.has(page))
    const round = asked
    await Promise.all(
      missing.map(async (page) => {
        round.add(page)
        try {
          const answer = await client.fetchQuery(reportQuery(definition, { ...wanted, page }))
          if (round === asked) rows.value = withWindow(rows.value, page, answer.rows)
        } catch {
          round.delete(page)
        }
      }),
    )
  }

  return { first, rows, show }
}

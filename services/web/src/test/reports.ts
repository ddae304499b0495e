// A report as the catalogue describes it, and an answer of it, for unit tests.
import type { ReportAnswer, ReportColumn, ReportDefinition, ReportParameter, ReportRow } from '@/api/catalogue'

const same = (text: string) => ({ ro: text, en: text })

export function column(name: string, kind: ReportColumn['kind'], more: Partial<ReportColumn> = {}): ReportColumn {
  return { name, title: same(name), group: null, kind, optional: false, total: kind === 'amount', hidden: false, link: null, ...more }
}

function parameter(name: string, kind: ReportParameter['kind'], more: Partial<ReportParameter> = {}): ReportParameter {
  return { name, title: same(name), kind, required: false, default: null, choices: null, ...more }
}

export const invoices: ReportDefinition = {
  id: 'invoices',
  title: { ro: 'Facturi', en: 'Invoices' },
  description: null,
  group: 'invoices',
  period: 'range',
  parameters: [
    parameter('direction', 'choice', {
      default: 'all',
      choices: [
        { value: 'all', title: { ro: 'Toate', en: 'All' } },
        { value: 'issued', title: { ro: 'Emise', en: 'Issued' }, one: { ro: 'Emisă', en: 'Issued' } },
        { value: 'received', title: { ro: 'Primite', en: 'Received' } },
      ],
    }),
    parameter('partner', 'text'),
  ],
  columns: [
    column('number', 'text'),
    column('direction', 'text'),
    column('partner', 'text', { hidden: true }),
    column('partnerName', 'text', { link: { report: 'ageing-clients', parameters: { partner: 'partner' } } }),
    column('issuedOn', 'date'),
    column('dueOn', 'date'),
    column('net', 'amount'),
    column('total', 'amount'),
    column('rest', 'amount', { optional: true }),
    column('daysOverdue', 'integer'),
    column('cancelled', 'boolean', { hidden: true }),
  ],
  sort: ['-issuedOn'],
}

/** Rows of the example: number, direction, partner, name, issued, due, net, total, rest, days, cancelled. */
export const ROWS: readonly ReportRow[] = [
  ['F-3', 'issued', '07', 'Șoimul Pază', '2026-10-05', '2026-11-04', '100.00', '119.00', '119.00', 12, false],
  ['F-1', 'received', '02', 'Soare SRL', '2026-10-02', null, '10.50', '12.50', '0.00', null, false],
  ['F-2', 'issued', '11', null, '2026-10-03', '2026-10-20', '-50.00', '-59.50', '-59.50', 3, true],
]

export function answer(rows: readonly ReportRow[] = ROWS, more: Partial<ReportAnswer> = {}): ReportAnswer {
  return {
    report: 'invoices',
    server: 'main',
    company: { id: '7', name: 'Carpatica', taxId: 'RO1', currency: 'RON' },
    period: { from: '2026-10-01', to: '2026-10-31' },
    parameters: {},
    generatedAt: '2026-11-01T08:00:00Z',
    columns: invoices.columns.map(({ name }) => name),
    rows: [...rows],
    page: 1,
    pageSize: 50_000,
    totalRows: rows.length,
    totals: { net: '60.50', total: '72.00', rest: '59.50' },
    ...more,
  }
}

import type { RequestRow } from '../../api-types.ts'
import { money } from '../../format.ts'

/** The cost as a word where it is not an exact amount: nothing unknown is shown as 0. */
export const costWord = (row: Pick<RequestRow, 'cost_nano' | 'flags'>): string =>
  row.flags.includes('unpriced') ? 'unpriced' : `${row.flags.includes('estimated') || row.flags.includes('uncertain') ? '≈ ' : ''}${money(row.cost_nano)}`

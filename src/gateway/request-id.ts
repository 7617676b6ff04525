/** Request ids, made on the hot path: random bytes come from a pool, since a system call for each costs more than the rest. */
import { randomFillSync } from 'node:crypto'
import { newIdFrom } from '../store/ids.ts'

const idBytes = 16
const pool = Buffer.alloc(256 * idBytes)
let used = pool.length

/** `req_` and 26 characters that sort by time. */
export const newRequestId = (epochMs: number): string => newId('req', epochMs)
/** Of a step of a new model. */
export const newStepId = (epochMs: number): string => newId('ade', epochMs)

function newId(prefix: Parameters<typeof newIdFrom>[0], epochMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const from = used
  used += idBytes
  return newIdFrom(prefix, epochMs, pool, from)
}

/**
 * The seam between the request path and whatever authority grants admission: the process itself, a parent process or
 * PostgreSQL. The path asks once for a lease, takes one hold per attempt and ends each hold exactly once.
 */
import type { Failure } from '../errors.ts'
import type { KeyEntry } from '../gateway/snapshot.ts'

export interface Admission {
  /** `tokens` is the estimate that token limits are charged with until the call is settled. */
  admit(key: KeyEntry, tokens: number): Lease | Failure
}

export interface Lease {
  /** Reserves the worst case of one attempt before it is dispatched. Null: granted. */
  hold(attempt: number, amountNano: number): Failure | null
  /** Ends the hold with what the attempt cost. */
  settle(attempt: number, costNano: number): void
  /** Ends the hold of an attempt that cost nothing. */
  void(attempt: number): void
  /** The request is over: frees its place, corrects the token limit by what was really used. Idempotent. */
  release(actualTokens: number): void
  /** `x-ratelimit-*` headers for the answer; empty when nothing is limited. */
  headers(): Record<string, string>
}

export const isLease = (granted: Lease | Failure): granted is Lease => 'hold' in granted

import type { Measures } from '../../api-types.ts'

/** Refusals are our own doing and cancellations the caller's: success is answers against failures. Null where there was neither. */
export const success = (measures: Measures): number | null =>
  measures.succeeded + measures.failed === 0 ? null : measures.succeeded / (measures.succeeded + measures.failed)

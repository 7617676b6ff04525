/** Creates that are safe to repeat: the key of the request and a hash of what it asked. A secret in the body is never stored, only hashed. */
import { createHash } from 'node:crypto'
import type { IdempotentRequest } from '../store/edits.ts'

export function idempotent(scope: string, key: string | undefined, request: unknown): IdempotentRequest | null {
  return key === undefined ? null : { scope, key, bodyHash: createHash('sha256').update(JSON.stringify(request)).digest() }
}

/**
 * Proofs in reasoning items. OpenAI binds encrypted reasoning to the id of its item, so the id travels inside of the proof to clients
 * whose format has no ids. Proofs of others are sealed into items that are made up for them; marks behind the seal tell what such an
 * item stands for, since clients (Codex, AI SDK) send back summary and encrypted content alone.
 */
import type { Proof } from '../canonical.ts'
import { openProof, sealMark, sealProof } from '../proof.ts'

/** Where a made-up item carries no proof at all. */
const nobody = 'none'

/**
 * Marks of a made-up item: `t` its summary is the thought itself, `r` the thought is withheld, `n` the proof belongs to the part that
 * comes next, `p` to the one before.
 */
export type Mark = 't' | 'r' | 'n' | 'p' | ''

export const sealed = (proof: Proof | undefined, mark: Mark): string => `${sealProof(proof ?? { by: nobody, value: '' }, '')}~${mark}`

export interface Opened {
  proof?: Proof
  /** Null: the item is a vendor's own, and its id counts. */
  mark: Mark | null
}

/** What stands in `encrypted_content`. `by`: whose it is without a seal. */
export function opened(text: string, by: string): Opened {
  const at = text.startsWith(sealMark) ? text.lastIndexOf('~') : -1
  const proof = openProof(at < 0 ? text : text.slice(0, at), by)
  const mark = at < 0 ? null : text.slice(at + 1) as Mark
  return proof.by === nobody ? { mark } : { proof, mark }
}

/** Base64 holds no space. */
export const bound = (id: string | undefined, encrypted: string): string => (id === undefined || encrypted.includes(' ') ? encrypted : `${id} ${encrypted}`)

export function unbound(value: string): { id?: string; encrypted: string } {
  const at = value.indexOf(' ')
  return at < 1 ? { encrypted: value } : { id: value.slice(0, at), encrypted: value.slice(at + 1) }
}

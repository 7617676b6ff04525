/**
 * Proofs on their way through a client. A vendor signs or encrypts its thoughts and wants them back unchanged; a client of another
 * format keeps them in the field where its own format has such a thing. There a foreign proof is sealed: it carries whose it is, so
 * that it reaches its maker alone and every other vendor never sees it.
 */
import type { Proof } from './canonical.ts'

/** Standing in no base64 of a vendor. Its first byte, and that of its own base64, are rare in text: then a body is searched in a hundredth of the time. */
export const sealMark = '^mrproof_'

/** The same in a field of bytes: of nine bytes, so that what is behind them has no part in its base64. */
export const sealMarkInBase64 = Buffer.from(sealMark).toString('base64')

/** Whether sealed proofs may stand in a body. */
export const hasSeals = (body: Buffer): boolean => body.includes(sealMark, 0, 'latin1') || body.includes(sealMarkInBase64, 0, 'latin1')

/** `native` makes proofs that its own clients get as they are. */
export function sealProof(proof: Proof, native: string): string {
  return proof.by === native ? proof.value : `${sealMark}${proof.by}_${Buffer.from(proof.value).toString('base64url')}`
}

/** What a client sent back. Without a seal it is `native`'s own. */
export function openProof(text: string, native: string): Proof {
  if (!text.startsWith(sealMark)) return { by: native, value: text }
  const rest = text.slice(sealMark.length)
  const at = rest.indexOf('_')
  if (at < 1) return { by: '', value: text }
  return { by: rest.slice(0, at), value: Buffer.from(rest.slice(at + 1), 'base64url').toString() }
}

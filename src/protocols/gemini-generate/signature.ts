/**
 * Proofs in `thoughtSignature`, which Google's clients send back on the same part. It is a field of bytes: clients in Go and Python decode its
 * base64 and encode it again, so what is not Google's own travels as base64. Some clients (Gemini CLI) keep no thoughts: as Google's own models
 * do, a call carries the thoughts before it too, since other vendors want them back with it.
 */
import type { Part, Proof, ReasoningPart } from '../canonical.ts'
import { openProof, sealMark, sealMarkInBase64, sealProof } from '../proof.ts'
import { isObject } from './fields.ts'

/** Whose proofs the clients of this format get as they are. */
const native = 'google'

/** Tells Google's validation that a call was made elsewhere: https://ai.google.dev/gemini-api/docs/thought-signatures */
export const noSignature = 'skip_thought_signature_validator'

/** No vendor's id begins so: what follows are thoughts as JSON. */
const thoughtsMark = `${sealMark}.`

/** A thought that travels with its proof. `back`: how many parts stand between it and the call that carries it. */
export interface Thought { part: ReasoningPart; back: number }

export const isForeign = ({ proof }: ReasoningPart): boolean => proof !== undefined && proof.by !== native

export function signatureOf(proof: Proof): string {
  const text = sealProof(proof, native)
  return text.startsWith(sealMark) ? Buffer.from(text).toString('base64') : text
}

export function signatureOfThoughts(thoughts: readonly Thought[]): string {
  const list = thoughts.map(({ part: { proof, text, summary, redacted, id }, back }) => ({ proof: sealProof(proof!, ''), text, summary, redacted, id, back }))
  return Buffer.from(thoughtsMark + JSON.stringify(list)).toString('base64')
}

/** A thought that stands in a part of its own: its text is said there. */
export function signatureOfThought(part: ReasoningPart): string {
  const { text: _, ...rest } = part
  return signatureOfThoughts([{ part: rest, back: 0 }])
}

export type Signature = { proof: Proof } | { thoughts: Thought[] }

export function read(signature: string): Signature {
  const text = signature.startsWith(sealMarkInBase64) ? Buffer.from(signature, 'base64').toString() : ''
  if (text.startsWith(thoughtsMark)) return { thoughts: thoughtsIn(text.slice(thoughtsMark.length)) }
  return { proof: text.startsWith(sealMark) ? openProof(text, native) : { by: native, value: signature } }
}

/** A client may have changed it. */
function thoughtsIn(json: string): Thought[] {
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) ? list.map(thoughtOf).filter((each) => each !== null) : []
  } catch {
    return []
  }
}

function thoughtOf(value: unknown): Thought | null {
  if (!isObject(value)) return null
  const { proof, text, summary, redacted, id, back } = value
  if (typeof proof !== 'string') return null
  const part: ReasoningPart = { type: 'reasoning', proof: openProof(proof, '') }
  if (typeof text === 'string') part.text = text
  if (Array.isArray(summary)) part.summary = summary.map(String)
  if (redacted === true) part.redacted = true
  if (typeof id === 'string') part.id = id
  return { part, back: typeof back === 'number' ? back : 0 }
}

/** The thoughts of a turn on their way to the call that carries them. */
export class Thoughts {
  #kept: Thought[] = []

  /** Every part of the turn, in order. */
  pass(part: Part): void {
    if (part.type !== 'reasoning') for (const each of this.#kept) each.back++
    else if (isForeign(part)) this.#kept.push({ part, back: 0 })
  }

  /** What a call has for a signature, where it has none of its own; before it is passed. */
  carried(): string | null {
    if (this.#kept.length === 0) return null
    const signature = signatureOfThoughts(this.#kept)
    this.#kept = []
    return signature
  }
}

/** Puts thoughts back before the call that carried them, the last one first; those that came by themselves stay where they are, and get their proof back. */
export function restore(parts: Part[], call: Part, thoughts: readonly Thought[]): void {
  let [before, apart] = [call, 0]
  for (const { part, back } of thoughts.toReversed()) {
    const known = parts.find((each): each is ReasoningPart => each.type === 'reasoning' && (each.proof ? each.proof.value === part.proof!.value : each.text === saidOf(part)))
    if (!known) {
      let at = parts.indexOf(before)
      for (let left = back - apart; left > 0 && at > 0;) if (parts[--at]!.type !== 'reasoning') left--
      parts.splice(at, 0, part)
    } else if (!known.proof) prove(known, part)
    ;[before, apart] = [known ?? part, back]
  }
}

/** Summaries are said as one text. */
export const saidOf = ({ text, summary }: ReasoningPart): string | undefined => text ?? summary?.join('\n\n')

export function prove(part: ReasoningPart, thought: ReasoningPart): void {
  Object.assign(part, thought)
  if (part.summary) delete part.text
}

/**
 * Thought and its proofs. The text stands in `reasoning_content` (DeepSeek and most others) or `reasoning` (OpenRouter, Groq, Cerebras);
 * signatures and encrypted thought in `reasoning_details`, which clients send back as they got them.
 * https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
 */
import type { Json, JsonObject, ReasoningPart } from '../canonical.ts'
import { openProof, sealProof } from '../proof.ts'
import { compact, isObject, Members } from './members.ts'

/** Whose proofs stand in `reasoning_details` unsealed: whoever defined it. */
export const detailMaker = 'openrouter'

/** What OpenRouter calls the forms of thought, by whose they are. */
const formats: Readonly<Record<string, string>> = { anthropic: 'anthropic-claude-v1', openai: 'openai-responses-v1', google: 'google-gemini-v1', xai: 'xai-responses-v1' }
const redactedFormat = 'anthropic-claude-v1'
const noFormat = 'unknown'

/** More than a text: only details can carry it. */
export const needsDetails = (part: ReasoningPart): boolean => part.proof !== undefined || part.id !== undefined || part.summary !== undefined || part.redacted === true || part.extras?.format === 'openai-chat'

export const summaryGap = '\n\n'

/** As it is shown where there are no details. */
const flatText = ({ text, summary }: ReasoningPart): string => text ?? summary?.join(summaryGap) ?? ''

export const flatTextOf = (parts: readonly ReasoningPart[]): string => parts.map(flatText).filter((text) => text !== '').join(summaryGap)

/**
 * A vendor that passes on thought of others wants it back with the form and the id that it gave to it. Both are a part of the proof then,
 * since a client's own format may have no place for them.
 */
const packed = /^([\w.-]+) ([^ ]*) ([^]*)$/

function pack(value: string, format: string | undefined, id: string | undefined): string {
  return format === undefined || format === noFormat ? value : `${format} ${id ?? ''} ${value}`
}

interface Unpacked { value: string; format: string; id: string | undefined }

function unpack(part: ReasoningPart, native: string): Unpacked | null {
  const { proof, redacted } = part
  if (!proof) return null
  const isHidden = part.text === undefined && part.summary === undefined
  const usual = formats[proof.by] ?? noFormat
  const format = redacted ? redactedFormat : usual === redactedFormat && isHidden ? noFormat : usual
  if (proof.by !== native) return { value: sealProof(proof, native), format, id: undefined }
  const [, given, id, value] = packed.exec(proof.value) ?? []
  return given === undefined ? { value: proof.value, format, id: undefined } : { value: value!, format: given, id: id || undefined }
}

/** One detail, or more where there are summaries. `native` makes proofs that stand here unsealed. */
export function encodeDetails(part: ReasoningPart, index: number, native: string): JsonObject[] {
  const { text, summary, redacted } = part
  const proof = unpack(part, native)
  const id = part.id ?? proof?.id
  const own = part.extras?.format === 'openai-chat' ? part.extras.fields : {}
  const common = { ...id !== undefined && { id }, format: proof?.format ?? (redacted ? redactedFormat : noFormat), ...own }
  const details: JsonObject[] = (summary ?? []).map((each, at) => ({ type: 'reasoning.summary', summary: each, ...common, index: index + at }))
  const at = index + details.length
  if (text !== undefined) details.push({ type: 'reasoning.text', text, ...proof && { signature: proof.value }, ...common, index: at })
  else if (proof || details.length === 0) details.push({ type: 'reasoning.encrypted', data: proof?.value ?? '', ...common, index: at })
  return details
}

/** What one detail says. `maker` of proofs that are not sealed. */
export function decodeDetail(detail: JsonObject, maker: string): ReasoningPart {
  const members = new Members(detail, null)
  const type = members.text('type')
  const id = members.text('id')
  const format = members.text('format')
  members.number('index')
  const isText = type === 'reasoning.text', isSummary = type === 'reasoning.summary', isHidden = type === 'reasoning.encrypted'
  const sealed = isText ? members.text('signature') : isHidden ? members.text('data') : undefined
  const opened = sealed ? openProof(sealed, maker) : undefined
  const proof = opened?.by === maker ? { by: maker, value: pack(opened.value, format, id) } : opened
  const part = compact<ReasoningPart>({
    type: 'reasoning', id, text: isText ? members.text('text') ?? '' : undefined, summary: isSummary ? [members.text('summary') ?? ''] : undefined, proof,
    redacted: isHidden && format === redactedFormat ? true : undefined,
  })
  if (!isText && !isSummary && !isHidden) members.putBack('type', type)
  const extras = members.extras()
  return extras === undefined ? part : { ...part, extras }
}

/** Summaries belong to the thought or the proof that follows them, and to one another. */
export function joins(before: ReasoningPart | undefined, next: ReasoningPart): before is ReasoningPart {
  return before?.summary !== undefined && before.text === undefined && before.proof === undefined && before.id === next.id
}

function decodeDetails(details: readonly Json[], maker: string): ReasoningPart[] {
  const parts: ReasoningPart[] = []
  for (const detail of details) {
    if (!isObject(detail)) continue
    const next = decodeDetail(detail, maker)
    const before = parts.at(-1)
    if (!joins(before, next)) parts.push(next)
    else {
      // What is summed up is not withheld.
      const { redacted: _, ...rest } = next
      parts[parts.length - 1] = { ...before, ...rest, summary: [...before.summary ?? [], ...next.summary ?? []] }
    }
  }
  return parts
}

/** All of a message. A text that its details don't hold is kept beside them. */
export function decodeReasoning(members: Members, maker: string): ReasoningPart[] {
  const details = decodeDetails(members.list('reasoning_details') ?? [], maker)
  const [flat, other] = new Set(['reasoning_content', 'reasoning'].map((key) => members.maybeText(key)).filter((text) => text !== undefined && text !== '' && text !== flatTextOf(details)))
  members.putBack('reasoning', other)
  if (flat === undefined) return details
  if (details.some(({ text, summary }) => text !== undefined || summary !== undefined)) {
    members.putBack('reasoning_content', flat)
    return details
  }
  return [{ type: 'reasoning', text: flat }, ...details]
}

/** The output of a whole answer: parts gathered to items. */
import type { Choice, Json, JsonObject, MediaPart, Part, ReasoningPart, RefusalPart, TextPart, TokenLogprob } from '../canonical.ts'
import { format, objectOr } from './json.ts'
import { callItem, carrier, type Ids, imageItem, messageItem, own, reasoningItem, textContent } from './output-items.ts'

type SaidPart = TextPart | RefusalPart

/** `isCut`: the answer ended in its last message. */
export function outputOf(choice: Choice, ids: Ids, isCut: boolean): Json[] {
  const { logprobs } = choice
  const parts = choice.parts.map((part) => (part.type === 'media' && part.kind !== 'image' ? inWords(part) : part))
  const output: JsonObject[] = []
  // They belong to all texts together, and are told with the first.
  let tokens = logprobs ?? []
  for (let i = 0; i < parts.length;) {
    const part = parts[i]!
    let next = i + 1
    if ((part.type === 'text' || part.type === 'toolCall') && part.proof) output.push(carrier(ids.next('rs'), part.proof, 'n'))
    if (part.type === 'text' || part.type === 'refusal') {
      while (continues(part, parts[next], parts[next - 1]!)) next++
      const said = parts.slice(i, next) as SaidPart[]
      output.push(message(said, ids, isCut && next === parts.length, tokens))
      if (said.some((each) => each.type === 'text')) tokens = []
    } else if (part.type === 'reasoning') {
      while (part.id !== undefined && parts[next]?.type === 'reasoning' && (parts[next] as ReasoningPart).id === part.id) next++
      output.push(reasoning(parts.slice(i, next) as ReasoningPart[], ids))
    } else {
      const item = other(part, ids)
      if (item) output.push(item)
    }
    i = next
  }
  return output
}

/** What is said in a medium that no item holds. */
export const inWords = ({ kind, transcript }: MediaPart): TextPart => ({ type: 'text', text: transcript ?? `[${kind === 'audio' ? 'an' : 'a'} ${kind} that this format cannot carry]` })

/** Texts of one item have one id, or none and nothing that tells them apart. */
export function continues(first: SaidPart, next: Part | undefined, last: Part): boolean {
  if (next?.type !== 'text' && next?.type !== 'refusal') return false
  if (next.id !== first.id || (next.type === 'text' && next.proof !== undefined) || (last.type === 'text' && last.proof !== undefined)) return false
  return next.type === 'refusal' || first.type === 'refusal' || next.phase === first.phase
}

function message(parts: readonly SaidPart[], ids: Ids, isCut: boolean, tokens: readonly TokenLogprob[]): JsonObject {
  let beside: JsonObject = {}
  let left = tokens
  const content = parts.map((part): JsonObject => {
    if (part.type === 'refusal') return { type: 'refusal', refusal: part.text }
    const { item, ...extras } = own(part.extras)
    beside = { ...beside, ...objectOr(item) }
    const written = { ...textContent(part.text, part.citations ?? [], left), ...extras }
    left = []
    return written
  })
  return messageItem(parts[0]!.id ?? ids.next('msg'), isCut ? 'incomplete' : 'completed', content, parts.find((part) => part.type === 'text')?.phase, beside)
}

function reasoning(parts: readonly ReasoningPart[], ids: Ids): JsonObject {
  const first = parts[0]!
  return reasoningItem({
    id: first.id ?? ids.next('rs'), part: first, summary: first.summary ?? [], content: parts.flatMap(({ text }) => (text === undefined ? [] : [text])), proof: parts.at(-1)!.proof,
  })
}

function other(part: Part, ids: Ids): JsonObject | null {
  switch (part.type) {
    case 'toolCall': return callItem(part, part.itemId ?? ids.next(part.custom ? 'ctc' : 'fc'), 'completed', part.arguments)
    case 'native': return part.format === format ? part.value : null
    case 'media': return imageItem(ids.next('ig'), part)
    default: return null
  }
}

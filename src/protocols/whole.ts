/** A stream of canonical events and the answer that it amounts to: each from the other. For vendors that only stream, for those that don't although they were asked to, and for tests. */
import type { ChatAnswer, ChatError, ChatEvent, Choice, Part, TextPart } from './canonical.ts'

/** Takes the events of one stream. */
export class Collector {
  readonly answer: ChatAnswer = { id: '', model: '', choices: [] }
  error: ChatError | null = null
  /** The format's own end was seen. */
  isOver = false
  readonly #open = new Map<number, Part>()

  take(event: ChatEvent): void {
    const { answer } = this
    switch (event.type) {
      case 'start': {
        const { type: _, usage, ...head } = event
        Object.assign(answer, head, usage && { usage })
        return
      }
      case 'part': {
        const part = structuredClone(event.part)
        this.#open.set(event.choice, part)
        this.#choice(event.choice).parts.push(part)
        return
      }
      case 'partEnd': return void this.#open.delete(event.choice)
      case 'stop': {
        const { type: _, choice, ...stop } = event
        Object.assign(this.#choice(choice), stop)
        return
      }
      case 'usage': {
        answer.usage = event.usage
        if (event.serviceTier !== undefined) answer.serviceTier = event.serviceTier
        return
      }
      case 'logprobs': {
        const choice = this.#choice(event.choice)
        choice.logprobs = [...choice.logprobs ?? [], ...event.tokens]
        return
      }
      case 'error': return void (this.error ??= event.error)
      case 'end': return void (this.isOver = true)
      default: {
        const part = this.#open.get(event.choice)
        if (part) grow(part, event)
      }
    }
  }

  #choice(index: number): Choice {
    let choice = this.answer.choices.find((each) => each.index === index)
    if (!choice) this.answer.choices.push((choice = { index, parts: [] }))
    return choice
  }
}

function grow(part: Part, event: Extract<ChatEvent, { type: 'delta' | 'summary' | 'proof' | 'citation' | 'media' }>): void {
  switch (event.type) {
    case 'delta':
      if (part.type === 'toolCall') part.arguments += event.text
      else if (part.type === 'text' || part.type === 'refusal' || part.type === 'reasoning') part.text = (part.text ?? '') + event.text
      return
    case 'summary':
      if (part.type !== 'reasoning') return
      part.summary ??= []
      part.summary[event.index] = (part.summary[event.index] ?? '') + event.text
      return
    case 'proof':
      if (part.type === 'text' || part.type === 'reasoning' || part.type === 'toolCall' || part.type === 'media') part.proof = event.proof
      return
    case 'citation':
      if (part.type === 'text') part.citations = [...part.citations ?? [], event.citation]
      return
    case 'media':
      if (part.type !== 'media') return
      if (event.base64 !== undefined && part.source.by === 'data') part.source.base64 += event.base64
      if (event.transcript !== undefined) part.transcript = (part.transcript ?? '') + event.transcript
  }
}

/** The events that a vendor would have streamed. */
export function* spread(answer: ChatAnswer): Generator<ChatEvent> {
  const { choices, usage, extras: _, ...head } = answer
  yield { type: 'start', ...head }
  for (const choice of choices) {
    for (const part of choice.parts) yield* spreadPart(choice.index, part)
    if (choice.logprobs) yield { type: 'logprobs', choice: choice.index, tokens: choice.logprobs }
    if (choice.stop) yield { type: 'stop', choice: choice.index, stop: choice.stop, ...(choice.stopSequence === undefined ? {} : { stopSequence: choice.stopSequence }), ...(choice.nativeStop === undefined ? {} : { nativeStop: choice.nativeStop }) }
  }
  if (usage) yield { type: 'usage', usage }
  yield { type: 'end' }
}

function* spreadPart(choice: number, part: Part): Generator<ChatEvent> {
  switch (part.type) {
    case 'text': {
      const { citations, proof, text, ...rest } = part
      yield { type: 'part', choice, part: { ...rest, text: '' } satisfies TextPart }
      if (text !== '') yield { type: 'delta', choice, text }
      for (const citation of citations ?? []) yield { type: 'citation', choice, citation }
      if (proof) yield { type: 'proof', choice, proof }
      break
    }
    case 'reasoning': {
      const { text, summary, proof, ...rest } = part
      yield { type: 'part', choice, part: rest }
      for (const [index, each] of (summary ?? []).entries()) yield { type: 'summary', choice, index, text: each }
      if (text !== undefined && text !== '') yield { type: 'delta', choice, text }
      if (proof) yield { type: 'proof', choice, proof }
      break
    }
    case 'toolCall':
      yield { type: 'part', choice, part: { ...part, arguments: '' } }
      if (part.arguments !== '') yield { type: 'delta', choice, text: part.arguments }
      break
    case 'refusal':
      yield { type: 'part', choice, part: { ...part, text: '' } }
      if (part.text !== '') yield { type: 'delta', choice, text: part.text }
      break
    default: yield { type: 'part', choice, part }
  }
  yield { type: 'partEnd', choice }
}

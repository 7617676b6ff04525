/** Streams as Bedrock writes them: binary frames, given as text of one character a byte. */
import { encodeFrame, eventHeaders } from '../../wire/aws-event-stream.ts'
import type { ChatEvent, ChatUsage, JsonObject, Part } from '../canonical.ts'
import type { StreamEncoder } from '../codec.ts'
import { encodeStop, tierOf } from './answer.ts'
import { writeBlob } from './decode-parts.ts'
import { encodeCitation, inWords } from './encode-parts.ts'
import { writeError } from './errors.ts'
import { format, isObject, under } from './json.ts'
import { encodeMedia } from './media.ts'
import { toolName, toolUseId } from './names.ts'
import { encodeUsage } from './usage.ts'
import { type Writing, writingForClient } from './writing.ts'

export class ConverseEncoder implements StreamEncoder {
  readonly #writing: Writing = writingForClient()
  #index = 0
  #part: Part | null = null
  #said = false
  #summaries = 0
  /** Told with the usage. */
  #tier: string | undefined

  write(event: ChatEvent): string {
    // A message is one choice.
    if ('choice' in event && event.choice !== 0) return ''
    switch (event.type) {
      case 'start':
        this.#tier = event.serviceTier
        return frame('messageStart', '{"role":"assistant"}')
      case 'part': return this.#open(event.part)
      case 'delta': return this.#isCustom ? this.#input(JSON.stringify(event.text).slice(1, -1)) : this.#delta(JSON.stringify(event.text))
      case 'summary': return this.#summary(event.index, event.text)
      case 'proof': return this.#proof(event.proof)
      case 'citation': return this.#more(`{"citation":${JSON.stringify(encodeCitation(event.citation))}}`)
      case 'partEnd': return this.#close()
      case 'stop': return frame('messageStop', JSON.stringify({ stopReason: encodeStop(event), ...(event.stopSequence === undefined ? {} : { additionalModelResponseFields: { delta: { stop_sequence: event.stopSequence } } }) }))
      case 'usage': return this.#usage(event.usage, event.serviceTier ?? this.#tier)
      case 'error': return writeError(event.error)
      case 'media': return event.transcript === undefined || event.transcript === '' ? '' : this.#delta(JSON.stringify(event.transcript))
      case 'logprobs': case 'end': return ''
    }
  }

  #open(part: Part): string {
    this.#part = part
    this.#said = false
    this.#summaries = 0
    switch (part.type) {
      // Free text is a member of the arguments.
      case 'toolCall': return this.#begin({ toolUse: { toolUseId: toolUseId(part.id, false), name: toolName(part.name) } }) + (part.custom ? this.#input('{"input":"') : '')
      case 'native': return part.format === format ? this.#native(part.value) : ''
      case 'media': {
        const image = part.kind === 'image' ? encodeMedia(this.#writing, part)?.['image'] : undefined
        if (isObject(image) && isObject(image['source'])) return this.#begin({ image: { format: image['format'] ?? 'png' } }) + this.#more(`{"image":{"source":${JSON.stringify(image['source'])}}}`)
        // Of audio the words are still to come.
        return part.kind === 'audio' && part.transcript === undefined ? '' : this.#delta(JSON.stringify(inWords(part)))
      }
      default: return ''
    }
  }

  #begin(start: JsonObject): string {
    this.#said = true
    return frame('contentBlockStart', `{"contentBlockIndex":${this.#index},"start":${JSON.stringify(start)}}`)
  }

  /** Calls and results of tools that Bedrock runs. */
  #native({ toolUse, toolResult }: JsonObject): string {
    if (isObject(toolUse)) {
      const { input = {}, ...start } = toolUse
      return this.#begin({ toolUse: start }) + this.#more(`{"toolUse":{"input":${JSON.stringify(JSON.stringify(input))}}}`)
    }
    if (!isObject(toolResult)) return ''
    const { content = [], ...start } = toolResult
    return this.#begin({ toolResult: start }) + this.#more(`{"toolResult":${JSON.stringify(content)}}`)
  }

  #usage(usage: ChatUsage, tier: string | undefined): string {
    return frame('metadata', JSON.stringify({ usage: encodeUsage(usage), ...under('serviceTier', tierOf(tier)) }))
  }

  #delta(text: string): string {
    switch (this.#part?.type) {
      case 'toolCall': return this.#more(`{"toolUse":{"input":${text}}}`)
      case 'reasoning': return this.#more(`{"reasoningContent":{"text":${text}}}`)
      default: return this.#more(`{"text":${text}}`)
    }
  }

  /** Summaries are the thought that is shown, one below the other. */
  #summary(index: number, text: string): string {
    const isNext = index > this.#summaries
    this.#summaries = index
    return this.#delta(JSON.stringify(isNext ? `\n\n${text}` : text))
  }

  #proof(proof: Parameters<Writing['proof']>[0]): string {
    const value = this.#writing.proof(proof)
    if (value === null || this.#part?.type !== 'reasoning') return ''
    return this.#more(this.#part.redacted || !this.#said ? `{"reasoningContent":{"redactedContent":${JSON.stringify(writeBlob(value))}}}` : `{"reasoningContent":{"signature":${JSON.stringify(value)}}}`)
  }

  get #isCustom(): boolean { return this.#part?.type === 'toolCall' && this.#part.custom === true }

  #input(text: string): string {
    return this.#more(`{"toolUse":{"input":${JSON.stringify(text)}}}`)
  }

  #more(delta: string): string {
    this.#said = true
    return frame('contentBlockDelta', `{"contentBlockIndex":${this.#index},"delta":${delta}}`)
  }

  #close(): string {
    const ending = this.#isCustom ? this.#input('"}') : ''
    this.#part = null
    // A text begins with its first delta: one that is empty is none.
    if (!this.#said) return ''
    return ending + frame('contentBlockStop', `{"contentBlockIndex":${this.#index++}}`)
  }
}

const headers = {
  messageStart: eventHeaders('messageStart'), contentBlockStart: eventHeaders('contentBlockStart'), contentBlockDelta: eventHeaders('contentBlockDelta'),
  contentBlockStop: eventHeaders('contentBlockStop'), messageStop: eventHeaders('messageStop'), metadata: eventHeaders('metadata'),
} as const

const frame = (type: keyof typeof headers, json: string): string => encodeFrame(headers[type], json).toString('latin1')

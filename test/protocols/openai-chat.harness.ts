/** Streams of chunks through the codec, both ways, and the official SDKs reading what it wrote. */
import OpenAI6 from 'openai'
import OpenAI7 from 'openai7'
import type { ChatAnswer, ChatEvent, ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client } from '../../src/protocols/codec.ts'
import type { Source } from '../../src/protocols/codec.ts'
import { openaiChatCodec } from '../../src/protocols/openai-chat/codec.ts'
import { Collector } from '../../src/protocols/whole.ts'

export const source: Source = { proofs: 'openrouter' }
export const request: ChatRequest = { model: 'm', stream: true, messages: [], usageInStream: true }
export const client: Client = { request, id: 'x', nowS: 1 }

/** Data of events, as the framing gives them. */
export function dataOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
}

export interface Decoded { answer: ChatAnswer; events: ChatEvent[]; collector: Collector }

export function decode(data: readonly string[], from: Source = source): Decoded {
  const decoder = openaiChatCodec.decodeStream(from)
  const events: ChatEvent[] = []
  for (const each of data) decoder.event('', each, events)
  decoder.end(events)
  const collector = new Collector()
  for (const event of events) collector.take(event)
  return { answer: collector.answer, events, collector }
}

export function encode(events: Iterable<ChatEvent>, to: Client = client): string {
  const encoder = openaiChatCodec.encodeStream(to)
  let text = ''
  for (const event of events) text += encoder.write(event)
  return text
}

const sdks = { 'openai 6': OpenAI6, 'openai 7': OpenAI7 as unknown as typeof OpenAI6 }

/** The answer as each SDK has it, of a body or of a stream, by its helpers. */
export async function readBySdks(body: string, isStream: boolean): Promise<{ sdk: string; answer: JsonObject }[]> {
  return Promise.all(Object.entries(sdks).map(async ([sdk, OpenAI]) => {
    const fetch = async (): Promise<Response> => new Response(body, { headers: { 'content-type': isStream ? 'text/event-stream' : 'application/json' } })
    const { completions } = new OpenAI({ apiKey: 'sk-none', baseURL: 'http://127.0.0.1:9', maxRetries: 0, fetch }).chat
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'a' }] }
    const answer = isStream ? await completions.stream(asked).finalChatCompletion() : await completions.create(asked)
    return { sdk, answer: JSON.parse(JSON.stringify(answer)) as JsonObject }
  }))
}

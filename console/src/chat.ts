/**
 * A streamed chat completion on the data plane, as any client would call it. The answer arrives by `onText`; the result says how it ended.
 * A refusal or a cut stream is a value with the gateway's own words, never an exception.
 */
import { createParser } from 'eventsource-parser'

export interface ChatInput {
  key: string
  model: string
  system: string
  prompt: string
  temperature?: number | undefined
  maxTokens?: number | undefined
  signal: AbortSignal
  onText: (text: string) => void
  onOpen?: (opened: Opened) => void
}
export interface Opened {
  requestId: string | null
  provider: string | null
  model: string | null
}
export interface ChatEnd extends Opened {
  kind: 'done' | 'cut' | 'denied' | 'stopped'
  status: number
  code: string | null
  message: string | null
  finish: string | null
  inputTokens: number | null
  outputTokens: number | null
  costUsd: number | null
}
interface Chunk {
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[]
  usage?: { prompt_tokens?: number; completion_tokens?: number; cost_usd?: number } | null
  error?: { message: string; code?: string | null; type?: string }
}

const messages = (input: ChatInput) => [...(input.system.trim() ? [{ role: 'system', content: input.system }] : []), { role: 'user', content: input.prompt }]

async function send(input: ChatInput): Promise<Response> {
  const body = {
    model: input.model,
    messages: messages(input),
    stream: true,
    stream_options: { include_usage: true },
    megarouter: { include_cost: true },
    ...(input.temperature === undefined ? {} : { temperature: input.temperature }),
    ...(input.maxTokens === undefined ? {} : { max_tokens: input.maxTokens }),
  }
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${input.key}` }
  return fetch('/v1/chat/completions', { method: 'POST', headers, body: JSON.stringify(body), signal: input.signal, credentials: 'omit' })
}
const opened = (response: Response): Opened => ({
  requestId: response.headers.get('x-megarouter-request-id'),
  provider: response.headers.get('x-megarouter-provider'),
  model: response.headers.get('x-megarouter-model'),
})

async function denied(response: Response, end: ChatEnd): Promise<ChatEnd> {
  const text = await response.text().catch(() => '')
  try {
    const { error } = JSON.parse(text) as { error: { message: string; code?: string } }
    return { ...end, kind: 'denied', code: error.code ?? null, message: error.message }
  } catch {
    return { ...end, kind: 'denied', message: text.slice(0, 300) || `The gateway answered ${response.status}.` }
  }
}

export async function streamChat(input: ChatInput): Promise<ChatEnd> {
  let end: ChatEnd = {
    kind: 'cut',
    status: 0,
    code: null,
    message: null,
    finish: null,
    inputTokens: null,
    outputTokens: null,
    costUsd: null,
    requestId: null,
    provider: null,
    model: null,
  }
  let finished = false
  const read = (chunk: Chunk): void => {
    const text = chunk.choices?.[0]?.delta?.content
    if (text) input.onText(text)
    const finish = chunk.choices?.[0]?.finish_reason
    if (finish) end = { ...end, finish }
    if (chunk.usage)
      end = {
        ...end,
        inputTokens: chunk.usage.prompt_tokens ?? null,
        outputTokens: chunk.usage.completion_tokens ?? null,
        costUsd: chunk.usage.cost_usd ?? end.costUsd,
      }
    if (chunk.error) end = { ...end, code: chunk.error.code ?? null, message: chunk.error.message }
  }
  const parser = createParser({
    onEvent: (event) => {
      if (event.data === '[DONE]') finished = true
      else read(JSON.parse(event.data) as Chunk)
    },
  })
  try {
    const response = await send(input)
    end = { ...end, status: response.status, ...opened(response) }
    if (!response.ok || !response.body) return await denied(response, end)
    input.onOpen?.(opened(response))
    for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
      const { done, value } = await reader.read()
      if (done) break
      parser.feed(value)
    }
  } catch (error) {
    if (input.signal.aborted) return { ...end, kind: 'stopped', message: 'Stopped here. What was delivered is billed.' }
    return { ...end, message: end.message ?? (error instanceof Error ? `The connection broke: ${error.message}.` : 'The connection broke.') }
  }
  return finished && end.message === null
    ? { ...end, kind: 'done' }
    : { ...end, message: end.message ?? 'The stream ended without saying that it was complete.' }
}

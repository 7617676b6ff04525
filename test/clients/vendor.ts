/**
 * A vendor that plays a script, in the wire format of one of four: it reads what arrived into plain facts (system text, tools, results of
 * tools) and answers as a stream or whole. Written from the vendors' references and not with the gateway's codecs, so that both cannot
 * be wrong in the same way. What the script does not expect is answered with 400, which a client shows.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Format = 'anthropic-messages' | 'gemini-generate' | 'openai-chat' | 'openai-responses'
type Json = { [name: string]: unknown }

export interface Call { id: string; name: string; arguments: Json }
export interface Turn {
  /** Goes before the rest, with a proof that its maker wants back. */
  thought?: string
  text?: string
  calls?: Call[]
}

/** What arrived, in the words of no format. */
export interface Arrived {
  /** From 1: names of answers are made of it. */
  nth: number
  url: string
  headers: IncomingHttpHeaders
  body: Json
  model: string
  stream: boolean
  system: string
  /** Of messages of users, in order. */
  users: string[]
  tools: { name: string; schema: Json }[]
  results: { id: string; name: string; text: string }[]
  /** The schema that the answer is to have. */
  schema: Json | null
  /** Proofs of this vendor that came back. */
  proofs: string[]
}

export type Script = (asked: Arrived) => Turn | Promise<Turn>
export interface ScriptedVendor {
  url: string
  arrived: Arrived[]
  problems: string[]
  /** Answers and calls get no ids, as of servers that are not strict with their format. */
  saysNoIds: boolean
  close(): Promise<void>
}

interface Dialect {
  read(body: Json, url: string): Omit<Arrived, 'nth' | 'url' | 'headers' | 'body'>
  whole(turn: Turn, asked: Arrived): Json
  /** Events of a stream: name (or '') and data. */
  events(turn: Turn, asked: Arrived): [name: string, data: Json | string][]
}

export const proofOf = (format: Format): string => `proof-of-${format}-${'x'.repeat(24)}`
const usage = { input: 120, output: 30 }

const list = (value: unknown): Json[] => (Array.isArray(value) ? value as Json[] : [])
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? value as Json : {})
const string = (value: unknown): string => (typeof value === 'string' ? value : '')
/** A text, or the texts of a list of parts. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : list(value).map(({ text }) => string(text)).join('\n'))
/** Cut as streams cut it. */
const halves = (text: string): string[] => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))].filter((half) => half !== '')

/** Tools may end in any order; `names`: of calls by id, in order. */
const asCalled = (results: Arrived['results'], names: ReadonlyMap<unknown, string>): Arrived['results'] => {
  const ids = [...names.keys()]
  return results.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
}

const anthropic: Dialect = {
  read(body) {
    const messages = list(body['messages'])
    const parts = messages.flatMap(({ role, content }) => (typeof content === 'string' ? [{ type: 'text', text: content, role }] : list(content).map((part) => ({ ...part, role }))) as Json[])
    const names = new Map(parts.filter(({ type }) => type === 'tool_use').map(({ id, name }) => [id, string(name)]))
    return {
      model: string(body['model']), stream: body['stream'] === true, system: textOf(body['system']),
      users: parts.filter(({ type, role }) => type === 'text' && role === 'user').map(({ text }) => string(text)),
      tools: list(body['tools']).map(({ name, input_schema: schema }) => ({ name: string(name), schema: object(schema) })),
      results: asCalled(parts.filter(({ type }) => type === 'tool_result').map(({ tool_use_id: id, content }) => ({ id: string(id), name: names.get(id) ?? '', text: textOf(content) })), names),
      schema: (object(object(body['output_config'])['format'])['schema'] ?? object(body['output_format'])['schema'] ?? null) as Json | null,
      proofs: parts.filter(({ type }) => type === 'thinking').map(({ signature }) => string(signature)),
    }
  },
  whole(turn, { model, nth }) {
    const content: Json[] = []
    if (turn.thought !== undefined) content.push({ type: 'thinking', thinking: turn.thought, signature: proofOf('anthropic-messages') })
    if (turn.text !== undefined) content.push({ type: 'text', text: turn.text, citations: null })
    for (const { id, name, arguments: input } of turn.calls ?? []) content.push({ type: 'tool_use', id, name, input })
    return { id: `msg_${nth}`, type: 'message', role: 'assistant', model, content, stop_reason: turn.calls ? 'tool_use' : 'end_turn', stop_sequence: null, usage: { input_tokens: usage.input, output_tokens: usage.output, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 } }
  },
  events(turn, asked) {
    const { content, stop_reason: stopReason, ...head } = anthropic.whole(turn, asked)
    const blocks = list(content).flatMap((block, index): [string, Json][] => {
      const start = (contentBlock: Json): [string, Json] => ['content_block_start', { type: 'content_block_start', index, content_block: contentBlock }]
      const delta = (change: Json): [string, Json] => ['content_block_delta', { type: 'content_block_delta', index, delta: change }]
      const end: [string, Json] = ['content_block_stop', { type: 'content_block_stop', index }]
      if (block['type'] === 'text') return [start({ type: 'text', text: '' }), ...halves(string(block['text'])).map((text) => delta({ type: 'text_delta', text })), end]
      if (block['type'] === 'thinking') return [start({ type: 'thinking', thinking: '', signature: '' }), ...halves(string(block['thinking'])).map((thinking) => delta({ type: 'thinking_delta', thinking })), delta({ type: 'signature_delta', signature: block['signature'] }), end]
      return [start({ type: 'tool_use', id: block['id'], name: block['name'], input: {} }), ...halves(JSON.stringify(block['input'])).map((text) => delta({ type: 'input_json_delta', partial_json: text })), end]
    })
    return [
      ['message_start', { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage: { input_tokens: usage.input, output_tokens: 1 } } }],
      ['ping', { type: 'ping' }], ...blocks,
      ['message_delta', { type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: usage.output } }],
      ['message_stop', { type: 'message_stop' }],
    ]
  },
}

const gemini: Dialect = {
  read(body, url) {
    const parts = list(body['contents']).flatMap(({ role, parts: inner }) => list(inner).map((part): Json => ({ ...part, role })))
    const config = object(body['generationConfig'])
    return {
      model: decodeURIComponent(/models\/([^:]+):/.exec(url)?.[1] ?? ''), stream: url.includes(':streamGenerateContent'), system: textOf(object(body['systemInstruction'])['parts']),
      users: parts.filter(({ role, text }) => role === 'user' && typeof text === 'string').map(({ text }) => string(text)),
      tools: list(body['tools']).flatMap(({ functionDeclarations }) => list(functionDeclarations)).map(({ name, parameters, parametersJsonSchema }) => ({ name: string(name), schema: object(parametersJsonSchema ?? parameters) })),
      results: parts.filter(({ functionResponse }) => functionResponse !== undefined).map(({ functionResponse }) => {
        const { id, name, response } = object(functionResponse)
        return { id: string(id), name: string(name), text: JSON.stringify(response) }
      }),
      schema: (config['responseJsonSchema'] ?? config['responseSchema'] ?? null) as Json | null,
      proofs: parts.flatMap(({ thoughtSignature }) => (typeof thoughtSignature === 'string' ? [thoughtSignature] : [])),
    }
  },
  whole(turn, asked) {
    return { candidates: [{ content: { role: 'model', parts: geminiParts(turn, turn.text === undefined ? [] : [turn.text]) }, finishReason: 'STOP', index: 0 }], ...geminiRest(asked) }
  },
  events(turn, asked) {
    const parts = geminiParts(turn, halves(turn.text ?? ''))
    return parts.map((part, i) => ['', { candidates: [{ content: { role: 'model', parts: [part] }, index: 0, ...(i === parts.length - 1 ? { finishReason: 'STOP' } : {}) }], ...geminiRest(asked) }])
  },
}
const geminiParts = ({ thought, calls = [] }: Turn, texts: string[]): Json[] => [
  ...(thought === undefined ? [] : [{ text: thought, thought: true }]), ...texts.map((text) => ({ text })),
  ...calls.map(({ name, arguments: args }, i) => ({ functionCall: { name, args }, ...(i === 0 && thought !== undefined && { thoughtSignature: proofOf('gemini-generate') }) })),
]
const geminiRest = ({ model, nth }: Arrived): Json => ({ usageMetadata: { promptTokenCount: usage.input, candidatesTokenCount: usage.output, totalTokenCount: usage.input + usage.output }, modelVersion: model, responseId: `r_${nth}` })

const chat: Dialect = {
  read(body) {
    const messages = list(body['messages'])
    const names = new Map(messages.flatMap(({ tool_calls: calls }) => list(calls)).map(({ id, function: called }) => [id, string(object(called)['name'])]))
    const of = (...roles: string[]): Json[] => messages.filter(({ role }) => roles.includes(string(role)))
    return {
      model: string(body['model']), stream: body['stream'] === true, system: of('system', 'developer').map(({ content }) => textOf(content)).join('\n'),
      users: of('user').map(({ content }) => textOf(content)),
      tools: list(body['tools']).map(({ function: fn }) => ({ name: string(object(fn)['name']), schema: object(object(fn)['parameters']) })),
      results: asCalled(of('tool').map(({ tool_call_id: id, content }) => ({ id: string(id), name: names.get(id) ?? '', text: textOf(content) })), names),
      schema: (object(object(body['response_format'])['json_schema'])['schema'] ?? null) as Json | null,
      proofs: [],
    }
  },
  whole(turn, { model, nth }) {
    const calls = turn.calls?.map(({ id, name, arguments: input }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(input) } }))
    return {
      id: `chatcmpl-${nth}`, object: 'chat.completion', created: 1_700_000_000, model,
      choices: [{ index: 0, message: { role: 'assistant', content: turn.text ?? null, refusal: null, ...(calls && { tool_calls: calls }) }, logprobs: null, finish_reason: calls ? 'tool_calls' : 'stop' }],
      usage: chatUsage,
    }
  },
  events(turn, { model, body, nth }) {
    const chunk = (delta: Json, finish: string | null = null): [string, Json] => ['', { id: `chatcmpl-${nth}`, object: 'chat.completion.chunk', created: 1_700_000_000, model, choices: [{ index: 0, delta, finish_reason: finish }] }]
    const calls = (turn.calls ?? []).flatMap(({ id, name, arguments: input }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...halves(JSON.stringify(input)).map((text) => chunk({ tool_calls: [{ index, function: { arguments: text } }] })),
    ])
    return [
      chunk({ role: 'assistant', content: '' }), ...halves(turn.text ?? '').map((content) => chunk({ content })), ...calls, chunk({}, turn.calls ? 'tool_calls' : 'stop'),
      ...(object(body['stream_options'])['include_usage'] === true ? [['', { id: `chatcmpl-${nth}`, object: 'chat.completion.chunk', created: 1_700_000_000, model, choices: [], usage: chatUsage }] as [string, Json]] : []),
      ['', '[DONE]'],
    ]
  },
}
const chatUsage = { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output }

const responses: Dialect = {
  read(body) {
    const input = typeof body['input'] === 'string' ? [{ type: 'message', role: 'user', content: body['input'] }] as Json[] : list(body['input'])
    const messages = input.filter(({ type, role }) => type === 'message' || (type === undefined && role !== undefined))
    const names = new Map(input.filter(({ type }) => type === 'function_call').map(({ call_id: id, name }) => [id, string(name)]))
    return {
      model: string(body['model']), stream: body['stream'] === true,
      system: [string(body['instructions']), ...messages.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => textOf(content))].join('\n'),
      users: messages.filter(({ role }) => role === 'user').map(({ content }) => textOf(content)),
      tools: list(body['tools']).map(({ name, parameters }) => ({ name: string(name), schema: object(parameters) })),
      results: asCalled(input.filter(({ type }) => type === 'function_call_output').map(({ call_id: id, output }) => ({ id: string(id), name: names.get(id) ?? '', text: textOf(output) })), names),
      schema: (object(object(body['text'])['format'])['schema'] ?? null) as Json | null,
      proofs: input.filter(({ type }) => type === 'reasoning').map((item) => string(item['encrypted_content'])),
    }
  },
  whole(turn, asked) {
    const { nth } = asked
    const output: Json[] = []
    if (turn.thought !== undefined) output.push({ id: `rs_${nth}`, type: 'reasoning', summary: [{ type: 'summary_text', text: turn.thought }], encrypted_content: proofOf('openai-responses') })
    if (turn.text !== undefined) output.push({ id: `msg_${nth}`, type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: turn.text, annotations: [], logprobs: [] }] })
    for (const [i, { id, name, arguments: input }] of (turn.calls ?? []).entries()) output.push({ id: `fc_${nth}_${i}`, type: 'function_call', status: 'completed', call_id: id, name, arguments: JSON.stringify(input) })
    return { ...responseHead(asked), status: 'completed', output, usage: { input_tokens: usage.input, input_tokens_details: { cached_tokens: 0 }, output_tokens: usage.output, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: usage.input + usage.output } }
  },
  events(turn, asked) {
    const whole = responses.whole(turn, asked)
    const started = { ...responseHead(asked), status: 'in_progress', output: [], usage: null }
    const events: Json[] = [{ type: 'response.created', response: started }, { type: 'response.in_progress', response: started }]
    for (const [at, item] of list(whole['output']).entries()) events.push(...itemEvents(item, at))
    events.push({ type: 'response.completed', response: whole })
    return events.map((event, i) => [string(event['type']), { ...event, sequence_number: i }])
  },
}
const responseHead = ({ model, nth }: Arrived): Json => ({ id: `resp_${nth}`, object: 'response', created_at: 1_700_000_000, model, error: null, incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1 })

function itemEvents(item: Json, at: number): Json[] {
  const place = { item_id: item['id'], output_index: at }
  const done = { type: 'response.output_item.done', output_index: at, item }
  const added = (change: Json): Json => ({ type: 'response.output_item.added', output_index: at, item: { ...item, ...change } })
  if (item['type'] === 'function_call') {
    const text = string(item['arguments'])
    return [added({ status: 'in_progress', arguments: '' }), ...halves(text).map((delta) => ({ type: 'response.function_call_arguments.delta', ...place, delta })), { type: 'response.function_call_arguments.done', ...place, name: item['name'], arguments: text }, done]
  }
  if (item['type'] === 'reasoning') {
    const [part] = list(item['summary'])
    const inside = { ...place, summary_index: 0 }
    return [added({ summary: [] }), { type: 'response.reasoning_summary_part.added', ...inside, part: { type: 'summary_text', text: '' } }, ...halves(string(part!['text'])).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...inside, delta })), { type: 'response.reasoning_summary_text.done', ...inside, text: part!['text'] }, { type: 'response.reasoning_summary_part.done', ...inside, part }, done]
  }
  const [part] = list(item['content'])
  const inside = { ...place, content_index: 0 }
  return [
    added({ status: 'in_progress', content: [] }), { type: 'response.content_part.added', ...inside, part: { ...part, text: '' } }, ...halves(string(part!['text'])).map((delta) => ({ type: 'response.output_text.delta', ...inside, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...inside, text: part!['text'], logprobs: [] }, { type: 'response.content_part.done', ...inside, part }, done,
  ]
}

const dialects: Record<Format, Dialect> = { 'anthropic-messages': anthropic, 'gemini-generate': gemini, 'openai-chat': chat, 'openai-responses': responses }

function answer(response: ServerResponse, dialect: Dialect, turn: Turn, asked: Arrived, saysNoIds: boolean): void {
  const written = (data: Json | string): string => (typeof data === 'string' ? data : JSON.stringify(data, (name, value: unknown) => (saysNoIds && (name === 'id' || name === 'responseId') ? undefined : value)))
  if (!asked.stream) return void response.writeHead(200, { 'content-type': 'application/json' }).end(written(dialect.whole(turn, asked)))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [name, data] of dialect.events(turn, asked)) response.write(`${name === '' ? '' : `event: ${name}\n`}data: ${written(data)}\n\n`)
  response.end()
}

export async function startVendor(format: Format, script: Script): Promise<ScriptedVendor> {
  const dialect = dialects[format]
  const arrived: Arrived[] = []
  const problems: string[] = []
  const vendor: ScriptedVendor = {
    url: '', arrived, problems, saysNoIds: false,
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const url = request.url!
      const play = async (): Promise<void> => {
        if (request.method !== 'POST') throw new Error(`${request.method} ${url} is not served`)
        const body = JSON.parse(Buffer.concat(parts).toString()) as Json
        const asked: Arrived = { nth: arrived.length + 1, url, headers: request.headers, body, ...dialect.read(body, url) }
        arrived.push(asked)
        answer(response, dialect, await script(asked), asked, vendor.saysNoIds)
      }
      play().catch((error: Error) => {
        problems.push(error.message)
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { type: 'invalid_request_error', code: 400, status: 'INVALID_ARGUMENT', message: `not in the script: ${error.message}` } }))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

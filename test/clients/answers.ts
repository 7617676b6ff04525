/** What a client is told, read from the bytes of its own wire format, streamed or whole; written from the formats' references. Fails where the bytes break the format's grammar. */
import assert from 'node:assert/strict'

type Json = { [name: string]: unknown }
export interface Told {
  text: string
  thought: string
  calls: { name: string; arguments: unknown }[]
  /** Proofs of thoughts, as the client would send them back. */
  proofs: string[]
  finish: string
  outputTokens: number
  /** What a client sends back as its part of the conversation: blocks, items or parts, as they came. */
  parts: Json[]
}
export type ClientForm = 'anthropic-messages' | 'cohere-chat' | 'gemini-generate' | 'ollama-chat' | 'openai-chat' | 'openai-responses'

const list = (value: unknown): Json[] => (value ?? []) as Json[]
const object = (value: unknown): Json => (value ?? {}) as Json
const string = (value: unknown): string => (typeof value === 'string' ? value : '')
const nothing = (): Told => ({ text: '', thought: '', calls: [], proofs: [], finish: '', outputTokens: 0, parts: [] })

/** Data of a stream of events, or its lines. */
const dataOf = (text: string): Json[] => (text.startsWith('{')
  ? text.trimEnd().split('\n').map((line) => JSON.parse(line) as Json)
  : text.split('\n\n').flatMap((event) => /^data: (\{.*)$/m.exec(event)?.slice(1) ?? []).map((data) => JSON.parse(data) as Json))

function messages(body: Json): Told {
  const told = nothing()
  for (const block of list(body['content'])) {
    if (block['type'] === 'text') told.text += string(block['text'])
    else if (block['type'] === 'thinking') { told.thought += string(block['thinking']); told.proofs.push(string(block['signature'])) }
    else if (block['type'] === 'redacted_thinking') told.proofs.push(string(block['data']))
    else if (block['type'] === 'tool_use') told.calls.push({ name: string(block['name']), arguments: block['input'] })
    else assert.fail(`a block of type ${string(block['type'])}`)
  }
  return { ...told, finish: string(body['stop_reason']), outputTokens: Number(object(body['usage'])['output_tokens']), parts: list(body['content']) }
}

/** Blocks are built as Anthropic's libraries build them, and must come one after the other. */
function messagesStream(events: readonly Json[]): Told {
  const content: Json[] = []
  let arguments_ = ''
  let open = -1
  let finish: Json = {}
  for (const event of events) {
    if (event['type'] === 'content_block_start') {
      assert.deepEqual([open, event['index']], [-1, content.length], 'blocks come one after the other')
      open = content.length
      content.push({ ...object(event['content_block']) })
      arguments_ = ''
    } else if (event['type'] === 'content_block_delta') {
      assert.equal(event['index'], open)
      const delta = object(event['delta'])
      const block = content[open]!
      for (const name of ['text', 'thinking', 'signature']) if (typeof delta[name] === 'string') block[name] = string(block[name]) + string(delta[name])
      arguments_ += string(delta['partial_json'])
    } else if (event['type'] === 'content_block_stop') {
      if (content[open]!['type'] === 'tool_use') content[open]!['input'] = JSON.parse(arguments_ || '{}')
      open = -1
    } else if (event['type'] === 'message_delta') finish = event
  }
  assert.equal(events[0]!['type'], 'message_start')
  assert.deepEqual([open, events.at(-1)!['type']], [-1, 'message_stop'])
  return messages({ content, usage: finish['usage'], stop_reason: object(finish['delta'])['stop_reason'] })
}

function chat(body: Json): Told {
  const [choice] = list(body['choices'])
  const message = object(choice!['message'])
  return {
    ...nothing(), text: string(message['content']), finish: string(choice!['finish_reason']), outputTokens: Number(object(body['usage'])['completion_tokens']),
    calls: list(message['tool_calls']).map(({ function: fn }) => ({ name: string(object(fn)['name']), arguments: JSON.parse(string(object(fn)['arguments'])) as unknown })),
  }
}

function chatStream(chunks: readonly Json[]): Told {
  const told = nothing()
  const calls: { name: string; text: string }[] = []
  for (const { choices, usage } of chunks) {
    if (usage) told.outputTokens = Number(object(usage)['completion_tokens'])
    const [choice] = list(choices)
    const delta = object(choice?.['delta'])
    told.text += string(delta['content'])
    told.finish = string(choice?.['finish_reason']) || told.finish
    for (const { index, function: fn } of list(delta['tool_calls'])) {
      const call = (calls[index as number] ??= { name: '', text: '' })
      call.name += string(object(fn)['name'])
      call.text += string(object(fn)['arguments'])
    }
  }
  return { ...told, calls: calls.map(({ name, text }) => ({ name, arguments: JSON.parse(text) as unknown })) }
}

function responses(body: Json): Told {
  const told = nothing()
  for (const item of list(body['output'])) {
    if (item['type'] === 'message') told.text += list(item['content']).map(({ text }) => string(text)).join('')
    else if (item['type'] === 'reasoning') { told.thought += list(item['summary']).map(({ text }) => string(text)).join(''); told.proofs.push(string(item['encrypted_content'])) }
    else if (item['type'] === 'function_call') told.calls.push({ name: [item['namespace'], item['name']].filter(Boolean).join('/'), arguments: JSON.parse(string(item['arguments'])) })
    else assert.fail(`an item of type ${string(item['type'])}`)
  }
  return { ...told, finish: string(body['status']), outputTokens: Number(object(body['usage'])['output_tokens']), parts: list(body['output']) }
}

/** Items as they were announced one by one must be those of the end. */
function responsesStream(events: readonly Json[]): Told {
  const end = events.at(-1)!
  assert.equal(end['type'], 'response.completed')
  assert.deepEqual(events.map((event) => event['sequence_number']), events.map((_event, i) => i))
  const items = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
  assert.deepEqual(items, object(end['response'])['output'])
  assert.equal(events.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => delta).join(''), responses(object(end['response'])).text)
  return responses(object(end['response']))
}

function gemini(chunks: readonly Json[]): Told {
  const told = nothing()
  for (const { candidates, usageMetadata } of chunks) {
    const [candidate] = list(candidates)
    told.finish = string(candidate?.['finishReason']) || told.finish
    if (usageMetadata) told.outputTokens = Number(object(usageMetadata)['candidatesTokenCount'] ?? 0) + Number(object(usageMetadata)['thoughtsTokenCount'] ?? 0)
    for (const part of list(object(candidate?.['content'])['parts'])) {
      told.parts.push(part)
      if (part['thought'] === true) told.thought += string(part['text'])
      else told.text += string(part['text'])
      if (part['functionCall']) told.calls.push({ name: string(object(part['functionCall'])['name']), arguments: object(part['functionCall'])['args'] ?? {} })
      if (typeof part['thoughtSignature'] === 'string') told.proofs.push(part['thoughtSignature'])
    }
  }
  return told
}

function cohere(body: Json): Told {
  const message = object(body['message'])
  return {
    ...nothing(), text: list(message['content']).map(({ text }) => string(text)).join(''), finish: string(body['finish_reason']), outputTokens: Number(object(object(body['usage'])['tokens'])['output_tokens']),
    calls: list(message['tool_calls']).map(({ function: fn }) => ({ name: string(object(fn)['name']), arguments: JSON.parse(string(object(fn)['arguments'])) as unknown })),
  }
}

function cohereStream(events: readonly Json[]): Told {
  const end = events.at(-1)!
  assert.equal(end['type'], 'message-end')
  const text = events.filter(({ type }) => type === 'content-delta').map(({ delta }) => string(object(object(object(delta)['message'])['content'])['text'])).join('')
  return { ...cohere(object(end['delta'])), text }
}

const ollama = (chunks: readonly Json[]): Told => ({
  ...nothing(), text: chunks.map(({ message }) => string(object(message)['content'])).join(''), finish: string(chunks.at(-1)!['done_reason']), outputTokens: Number(chunks.at(-1)!['eval_count']),
  calls: chunks.flatMap(({ message }) => list(object(message)['tool_calls'])).map(({ function: fn }) => ({ name: string(object(fn)['name']), arguments: object(fn)['arguments'] })),
})

export function readAnswer(form: ClientForm, text: string, contentType: string): Told {
  const isStream = !contentType.startsWith('application/json')
  const all = isStream ? dataOf(text) : [JSON.parse(text) as Json].flat()
  switch (form) {
    case 'anthropic-messages': return isStream ? messagesStream(all) : messages(all[0]!)
    case 'openai-chat': return isStream ? chatStream(all) : chat(all[0]!)
    case 'openai-responses': return isStream ? responsesStream(all) : responses(all[0]!)
    case 'cohere-chat': return isStream ? cohereStream(all) : cohere(all[0]!)
    case 'gemini-generate': return gemini(all)
    case 'ollama-chat': return ollama(all)
  }
}

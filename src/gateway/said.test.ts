import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import { saidIn, type Said } from './said.ts'

function said(body: unknown): Said {
  const bytes = Buffer.from(JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 100, maxKeys: 10_000, unique: noUniqueKeys })
  scan.push(bytes)
  scan.end()
  return saidIn(bytes, scan)
}

const long = 'Write a function that sorts a list of numbers.'

test('the last words of a user are found in each format', () => {
  const bodies = {
    chat: { messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'Hello there, how are you today my friend?' }, { role: 'assistant', content: 'Fine.' }, { role: 'user', content: long }] },
    parts: { messages: [{ role: 'user', content: [{ type: 'text', text: long }, { type: 'image_url', image_url: { url: 'https://x' } }] }] },
    text: { input: long },
    responses: { instructions: 'Be kind.', input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: long }] }] },
    gemini: { contents: [{ role: 'user', parts: [{ text: long }] }] },
    converse: { messages: [{ role: 'user', content: [{ text: long }] }] },
    completions: { prompt: long },
    prompts: { prompt: ['one', long] },
  }
  for (const [name, body] of Object.entries(bodies)) assert.equal(said(body).text, long, name)
})

test('a short last turn is read with the one before it', () => {
  const { text, turns } = said({ messages: [{ role: 'user', content: long }, { role: 'assistant', content: 'So?' }, { role: 'user', content: 'yes' }] })
  assert.equal(text, `${long}\nyes`)
  assert.equal(turns, 3)
})

test('a conversation whose last turn is the answer of a tool is in a tool loop, in each format', () => {
  const user = { role: 'user', content: long }
  const loops = [
    { messages: [user, { role: 'assistant', tool_calls: [] }, { role: 'tool', content: '4' }] },
    { messages: [user, { role: 'assistant', content: [] }, { role: 'user', content: [{ type: 'tool_result', content: '4' }] }] },
    { input: [{ role: 'user', content: long }, { type: 'function_call', name: 'f' }, { type: 'function_call_output', output: '4' }] },
    { contents: [{ role: 'user', parts: [{ text: long }] }, { role: 'model', parts: [] }, { role: 'user', parts: [{ functionResponse: {} }] }] },
    { messages: [{ role: 'user', content: [{ text: long }] }, { role: 'user', content: [{ toolResult: {} }] }] },
  ]
  for (const body of loops) {
    const found = said(body)
    assert.equal(found.isToolLoop, true)
    assert.equal(found.text, long)
  }
  assert.equal(said({ messages: [user] }).isToolLoop, false)
})

test('a conversation that goes on keeps its prefix, and another one has another', () => {
  const system = { role: 'system', content: 'Be kind.' }
  const first = said({ messages: [system, { role: 'user', content: 'one' }] }).prefix
  assert.equal(said({ messages: [system, { role: 'user', content: 'one' }, { role: 'assistant', content: 'x' }, { role: 'user', content: 'two' }] }).prefix, first)
  assert.notEqual(said({ messages: [system, { role: 'user', content: 'other' }] }).prefix, first)
  assert.notEqual(said({ messages: [{ role: 'system', content: 'Be rude.' }, { role: 'user', content: 'one' }] }).prefix, first)
  const [a, b] = ['x', 'y'].map((instructions) => said({ instructions, input: [{ role: 'user', content: 'one' }] }).prefix)
  assert.notEqual(a, b)
})

test('what is no conversation says nothing, and a turn of any size or form is taken', () => {
  assert.deepEqual(said({ model: 'x' }), { text: '', prefix: 0, turns: 0, isToolLoop: false })
  assert.equal(said({ messages: [] }).turns, 0)
  assert.equal(said({ messages: [null, 5, { role: 'user', content: null }] }).text, '')
  const { text } = said({ messages: [{ role: 'user', content: `start${'x'.repeat(600_000)}end` }] })
  assert.ok(text.includes('start') && text.includes('end') && text.length < 300_000)
})

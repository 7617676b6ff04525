import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clients, snippet, tokens } from './snippets.ts'

const call = { baseUrl: 'http://localhost:8080', model: 'fast', prompt: `It's "quoted"\nand two lines` }

test('a curl line survives quotes and line breaks of the prompt', () => {
  const body = /-d '([\s\S]*)'$/.exec(snippet('curl', call))?.[1]?.replaceAll(`'\\''`, "'")
  assert.deepEqual(JSON.parse(body ?? ''), { model: 'fast', messages: [{ role: 'user', content: call.prompt }] })
})
test('no snippet contains a key, and colouring loses no character', () => {
  for (const client of clients) {
    const code = snippet(client, { ...call, system: 'Be short.' })
    assert.match(code, /MEGAROUTER_KEY/)
    assert.doesNotMatch(code, /mr-/)
    assert.equal(
      tokens(code)
        .map((token) => token.text)
        .join(''),
      code,
    )
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialise, versioned, type Row } from './artefact.ts'
import { readFeed } from './feed.ts'
import { feedBounds, FeedError, parseStrictly } from './strict-json.ts'

const feed = (model: unknown, id = 'm'): string => JSON.stringify({ v: { models: { [id]: model } } })
const refusal = (text: string): string => {
  try {
    readFeed(text)
  } catch (error) {
    assert.ok(error instanceof FeedError, String(error))
    return error.message
  }
  assert.fail(`taken: ${text.slice(0, 200)}`)
}

test('a feed is taken with the digits of its prices and nothing that it must not say', () => {
  const read = readFeed('{"v":{"models":{"m":{"name":"M\\t1","cost":{"input":0.10,"output":1e-3,"context_over_200k":{"input":2,"output":3}},"limit":{"context":1000},"source":"operator","conditions":[1],"unknown":true}}}}')
  assert.ok(read.kind === 'models.dev')
  const { cost, name, ...rest } = read.vendors['v']!.models['m']!
  assert.deepEqual(cost, { input: '0.10', output: '1e-3', tiers: [{ tier: { size: '200000' }, input: '2', output: '3' }] })
  assert.deepEqual([name, rest.limit, 'source' in rest, 'conditions' in rest, 'unknown' in rest], ['M 1', { context: '1000', output: '0', input: '0' }, false, false, false])
})

test('a number that cannot be is refused with vendor, model and field', () => {
  for (const number of ['-1', '-0.5', '1e400', '1e99', '1000001', '0x10', '1.2.3', 'NaN', 'Infinity', '"1"', 'true', 'null', '[1]', '{}']) {
    assert.match(refusal(`{"v":{"models":{"m":{"cost":{"input":${number},"output":1}}}}}`), /v\/m › cost › input|is not JSON/, number)
  }
  for (const number of ['-1', '1.5', '1e9', '100000001', '"9"', 'null', '[]']) assert.match(refusal(`{"v":{"models":{"m":{"limit":{"context":${number}}}}}}`), /v\/m › limit › context is no number of tokens/, number)
})

test('a member of the wrong type, an impossible name and an empty feed are refused with their place', () => {
  for (const [model, where] of [
    [1, 'v/m is no object'], [{ name: 5 }, 'v/m › name'], [{ tool_call: 'yes' }, 'v/m › tool_call'], [{ release_date: 'soon' }, 'v/m › release_date is no date'],
    [{ modalities: { input: 'text' } }, 'v/m › modalities › input is no list'], [{ modalities: { output: [7] } }, 'v/m › modalities'], [{ cost: [] }, 'v/m › cost is no object'],
    [{ cost: { input: 1, tiers: 'x' } }, 'v/m › cost › tiers is no list'], [{ cost: { input: 1, tiers: [{ input: 1 }] } }, 'v/m › cost › tiers is no object'], [{ status: {} }, 'v/m › status'],
  ] as const) assert.ok(refusal(feed(model)).includes(where), `${JSON.stringify(model)}: ${refusal(feed(model))}`)
  for (const id of ['', ' ', 'a b', 'a\u0000b', 'x'.repeat(257)]) assert.match(refusal(feed({}, id)), /has a name that cannot be one/)
  for (const text of ['{}', '[]', 'null', '""', '{"v":{}}', '{"v":{"models":[]}}', '{"v":{"models":{}}}', '{"error":"rate limited"}', '{"../x":{"models":{"m":{}}}}']) refusal(text)
})

test('what a parser takes silently is refused', () => {
  assert.match(refusal('{"v":{"models":{"m":{},"m":{}}}}'), /"m" twice at v › models/)
  assert.match(refusal('{"v":{"models":{"m":{},"\\u006d":{}}}}'), /"m" twice/)
  for (const name of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__']) assert.match(refusal(`{"v":{"models":{"${name}":{}}}}`), /a member named (__proto__|constructor|prototype) at v › models/)
  assert.match(refusal(`${'{"a":'.repeat(100_000)}`), /nested more than 32 deep/)
  assert.match(refusal('['.repeat(1_000_000)), /nested more than 32 deep/)
  assert.match(refusal('{"v":'), /is not JSON/)
  assert.match(refusal(' '.repeat(feedBounds.bytes + 1)), /more than 32 MiB/)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  // Equal names of different objects are no repeat, and brackets in texts are no brackets.
  assert.equal(JSON.stringify(parseStrictly('{"a":{"x":1},"b":[{"x":"{,\\"x\\":2}"},{"x":3}]}')), '{"a":{"x":{"text":"1"}},"b":[{"x":"{,\\"x\\":2}"},{"x":{"text":"3"}}]}')
})

const row: Row = { id: 'm', model: 'm', context: 1000, price: { input: 5, output: 7 } }
const compiled = (rows: unknown[], more: object = {}): string => JSON.stringify({ format: 3, version: 'x', date: '2026-01-01', sources: {}, facts: {}, vendors: { v: rows }, ...more })

test('a compiled catalogue is taken as it is, without what only this installation may say', () => {
  const text = serialise(versioned({ date: '2026-01-01', sources: {}, facts: {}, vendors: { v: [row] } }))
  const read = readFeed(text)
  assert.ok(read.kind === 'catalogue')
  assert.deepEqual(read.artefact.vendors, { v: [row] })
  const sly = readFeed(compiled([{ ...row, price: { input: 5, output: 7, reasoning: 7 }, priceVersion: 'file-1', reviewed: { price: { input: 1 } }, withdrawn: '2020-01-01', tools: 'yes', more: 1 }]))
  assert.ok(sly.kind === 'catalogue')
  assert.deepEqual(sly.artefact.vendors, { v: [row] })
})

test('a compiled catalogue that is damaged is refused with the row', () => {
  for (const bad of [{ id: 'm' }, { ...row, price: { input: -1 } }, { ...row, price: { input: 0.5 } }, { ...row, price: { cost: 1 } }, { ...row, price: { input: 2e15 } }, { ...row, context: 1e12 }, { ...row, kind: 'toaster' },
    { ...row, tiers: [{ above: 'x', price: {} }] }, { ...row, conditions: [{ price: { input: 1 }, clock: { offsetMinutes: 0, days: 5, windows: [] } }] }, { ...row, name: 5 }, { ...row, id: 'a b' }, null, 7]) {
    assert.ok(refusal(compiled([bad])).length > 10, JSON.stringify(bad))
  }
  assert.match(refusal(compiled([row, row])), /v\/m is listed twice/)
  assert.match(refusal(compiled([row], { format: 2 })), /not of format 3/)
  assert.match(refusal(compiled([row], { vendors: {} })), /0 vendors/)
})

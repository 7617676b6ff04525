/** The key of a kept answer, by generated requests: each part that decides makes another key, and what says the same makes the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anthropicInvoke } from '../protocols/anthropic-clouds.ts'
import { chatEndpoint, protocols } from '../protocols/index.ts'
import { CacheKeys, canonical, type RequestBody } from './cache-key.ts'
import type { Exchange } from './exchange.ts'
import type { Deployment } from './snapshot.ts'

const openai = protocols.get('openai-chat')!
const messages = protocols.get('anthropic-messages')!
const key = { id: 'key_1', org: 'org_1', node: null as string | null, project: null as string | null, team: null as string | null, user: null as string | null, serviceAccount: null as string | null }
const options = { policy: null, models: null, fallbacks: null, maxCostNano: null, minQuality: null, maxLatencyMs: null, onUnsupported: 'warn', session: null, tags: [], cache: true, includeCost: false }
const deployment = (provider: string, node: string | null): Deployment => ({ provider: { id: provider, credentials: [{ id: 'c', secret: 's', last4: 's', node }] } }) as unknown as Deployment

interface Asked { key: typeof key; options: object; protocol: typeof openai; endpoint: ReturnType<typeof chatEndpoint>; model: string; stream: boolean; headers: Record<string, string>; inPath: { model?: string }; home: string | null; downgraded: boolean; scope: string; deployments: Deployment[]; body: RequestBody }

const base: Asked = { key, options, protocol: messages, endpoint: chatEndpoint(messages), model: 'm', stream: false, headers: {}, inPath: {}, home: null, downgraded: false, scope: '', deployments: [deployment('up', null)], body: { model: 'm', messages: [] } }
const keys = new CacheKeys({ key: Buffer.alloc(32, 1) })

function keyOf({ model, stream, headers, scope, deployments, body, ...rest }: Asked, by = keys): string {
  const exchange: unknown = { ...rest, asked: { model, stream }, request: { headers } }
  return by.of(exchange as Exchange, scope, deployments, body)
}

/** What must never be answered with the answer of the base, or of one another. */
const others: Record<string, Partial<Asked>> = {
  organisation: { key: { ...key, org: 'org_2' } },
  'team or project': { key: { ...key, node: 'a' } },
  'another team or project': { key: { ...key, node: 'b' } },
  'project of a key outside of the tree': { key: { ...key, project: 'c' } },
  'team of a key outside of the tree': { key: { ...key, team: 'd' } },
  user: { key: { ...key, user: 'a' } },
  'service account': { key: { ...key, serviceAccount: 'a' } },
  'key of nobody': { key: { ...key, id: 'key_2' } },
  'routing policy': { scope: 'balanced:1' },
  'version of it': { scope: 'balanced:2' },
  'what a budget put in its place': { scope: 'balanced:1', downgraded: true },
  'another that a budget put in its place': { scope: 'balanced:1', downgraded: true, model: 'n' },
  'credentials of a team': { deployments: [deployment('up', 'a')] },
  'credentials of another team': { deployments: [deployment('up', 'b')] },
  'credentials of a team elsewhere': { deployments: [deployment('down', 'a')] },
  format: { protocol: openai, endpoint: chatEndpoint(messages) },
  endpoint: { protocol: messages, endpoint: { ...chatEndpoint(messages), name: 'rawPredict' } },
  framing: { protocol: anthropicInvoke, endpoint: chatEndpoint(messages) },
  'model that is served': { model: 'n' },
  stream: { stream: true },
  'model in the path': { inPath: { model: 'n' } },
  'whose path it is': { home: 'vertex' },
  policy: { options: { ...options, policy: 'cheap' } },
  models: { options: { ...options, models: ['a'] } },
  fallbacks: { options: { ...options, fallbacks: ['a'] } },
  'ceiling of cost': { options: { ...options, maxCostNano: 1 } },
  'floor of quality': { options: { ...options, minQuality: 0.5 } },
  'ceiling of time': { options: { ...options, maxLatencyMs: 1 } },
  'what becomes of what cannot be said': { options: { ...options, onUnsupported: 'drop' } },
  version: { headers: { 'anthropic-version': '2024-01-01' } },
  beta: { headers: { 'anthropic-beta': 'a' } },
  'another beta': { headers: { 'anthropic-beta': 'b' } },
  'end user': { body: { ...base.body, metadata: { user_id: 'u' } } },
  text: { body: { ...base.body, messages: [{ role: 'user', content: 'a' }] } },
  'order of messages': { body: { ...base.body, messages: [{ role: 'user', content: 'a' }, { role: 'user', content: 'b' }] } },
  'the other order': { body: { ...base.body, messages: [{ role: 'user', content: 'b' }, { role: 'user', content: 'a' }] } },
  number: { body: { ...base.body, temperature: 0.5 } },
  'another number': { body: { ...base.body, temperature: 0.6 } },
  'number as a text': { body: { ...base.body, temperature: '0.5' } },
  nothing: { body: { ...base.body, temperature: null } },
}

test('each part that decides on an answer, or whose it is, makes another key', () => {
  const found = new Map([[keyOf(base), 'nothing changed']])
  for (const [name, change] of Object.entries(others)) {
    const made = keyOf({ ...base, ...change })
    assert.equal(found.get(made), undefined, `${name} has the key of: ${found.get(made)}`)
    found.set(made, name)
  }
})

test('a header of Bedrock that may reach it makes another key, and another tag, session, connection or name of a client does not', () => {
  const invoke = { ...base, protocol: anthropicInvoke, endpoint: chatEndpoint(anthropicInvoke) }
  const ofOpenai = { ...base, protocol: openai }
  assert.notEqual(keyOf(ofOpenai), keyOf({ ...ofOpenai, headers: { 'anthropic-beta': 'a' } }), 'what a request is understood by counts in every format')
  assert.notEqual(keyOf(invoke), keyOf({ ...invoke, headers: { 'x-amzn-bedrock-guardrailidentifier': 'g' } }))
  assert.equal(keyOf(base), keyOf({ ...base, headers: { 'user-agent': 'x', 'x-request-id': '1', traceparent: 't' }, options: { ...options, session: 's', tags: ['t'] } }))
  assert.equal(keyOf(base), keyOf({ ...base, body: { ...base.body, megarouter: { cache: true } } }))
  assert.equal(keyOf({ ...base, scope: 'p:1' }), keyOf({ ...base, scope: 'p:1', model: 'n' }), 'a policy may choose either')
  assert.equal(keyOf({ ...base, key: { ...key, node: 'a' } }), keyOf({ ...base, key: { ...key, node: 'a', id: 'key_2', user: 'u' } }), 'keys of a project share')
})

test('keys of another secret are others, and say nothing of what was asked', () => {
  assert.notEqual(keyOf(base), keyOf(base, new CacheKeys({ key: Buffer.alloc(32, 2) })))
  assert.match(keyOf(base), /^[\w-]{43}$/)
})

/** The same value with its members in another order. */
function shuffled(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((each) => shuffled(each, seed))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, each]): [string, unknown] => [name, shuffled(each, seed)])
  const at = members.length === 0 ? 0 : seed % members.length
  return Object.fromEntries([...members.slice(at), ...members.slice(0, at)].reverse())
}

test('any two bodies have one canonical form exactly if they say the same', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => ({ value: JSON.parse(JSON.stringify(value).replaceAll('"properties"', '"p"')) as never }))
  fc.assert(fc.property(json, fc.nat(10), (body, seed) => assert.equal(canonical(shuffled(body, seed) as RequestBody), canonical(body))), { numRuns: 300 })
  fc.assert(fc.property(json, json, (a, b) => assert.equal(canonical(a) === canonical(b), (() => { try { assert.deepEqual(a, b); return true } catch { return false } })())), { numRuns: 300 })
  assert.equal(canonical(JSON.parse('{"a": 1.0, "b":"\\u0041", "c":1e2}') as RequestBody), canonical(JSON.parse('{"c":100,"b":"A","a":1}') as RequestBody))
})

test('the order of a schema’s properties counts, since models answer in it', () => {
  const schema = (...names: string[]): RequestBody => ({ response_format: { json_schema: { schema: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) } } } })
  assert.notEqual(canonical(schema('a', 'b')), canonical(schema('b', 'a')))
})

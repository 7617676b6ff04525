/** The exact cache through the real data plane: who may get whose answer, what is kept, what a hit costs, when an answer is given no more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryAnswers, type AnswerCache, type KeptAnswer } from '../../src/gateway/answer-cache.ts'
import type { Clock } from '../../src/clock.ts'
import { limits } from '../../src/limits.ts'
import { plainPolicy, type RoutingPolicyData } from '../../src/routing/policy-data.ts'
import { faulty, keeps, keyIn, startCacheRig, type Got } from './cache-rig.ts'
import { budget, policy } from './rows.ts'

const textIn = ({ text }: Got): string => /answer \d+ for [\w -]+/.exec(text)?.[0] ?? text

const sequences = process.env['MEGAROUTER_PROOF'] === '1' ? 500 : 12

test('whoever asks, an answer is given again to the same organisation, team or project, policy and credentials alone', async (t) => {
  const rig = await startCacheRig()
  const places = [{ org: 'org_test', node: 'team_a' }, { org: 'org_test', node: 'team_b' }, { org: 'org_test', node: 'proj_a' }, { org: 'org_b', node: null, user: 'usr_1' }, { org: 'org_b', node: null, user: 'usr_2' }]
  const keys = places.map((place) => [keyIn(rig, place), keyIn(rig, place)])
  // Ways to say the same, and one that says something else.
  const bodies = [{ temperature: 0.5, top_p: 1 }, { top_p: 1, temperature: 5e-1 }, { temperature: 0.5, top_p: 1, user: 'u' }]
  const says = [0, 0, 1]
  const own = (at: number, owned: boolean): string => (places[at]!.org === 'org_b' ? 'sk-b' : owned && at !== 1 ? 'sk-own' : 'sk-a')
  const asks = fc.record({ place: fc.nat(places.length - 1), key: fc.nat(1), policy: fc.nat(2), body: fc.nat(bodies.length - 1), stream: fc.boolean() })
  let owned = false
  await fc.assert(fc.asyncProperty(fc.array(asks, { minLength: 12, maxLength: 30 }), async (list) => {
    for (const org of ['org_test', 'org_b']) await rig.gateway.cache.empty(org)
    const given = new Map<string, string>()
    for (const [at, ask] of list.entries()) {
      if (at === list.length >> 1) {
        owned = !owned
        // `team_a` gets credentials of its own, or loses them: what was made with others is not for it.
        rig.publish((organisation) => { organisation.providers.find(({ id }) => id === 'shop')!.credentials = [{ id: 'shop-0', secret: 'sk-a', last4: 'sk-a' }, ...owned ? [{ id: 'own', secret: 'sk-own', last4: '-own', node: 'team_a' }] : []] })
      }
      rig.policy = () => ({ ttlMs: 60_000, scope: ['', 'support:1', 'support:2'][ask.policy]! })
      const secret = own(ask.place, owned)
      const group = JSON.stringify([ask.place, ask.policy, says[ask.body], ask.stream, secret])
      const got = await rig.ask({ ...bodies[ask.body], stream: ask.stream }, keys[ask.place]![ask.key])
      assert.equal(got.status, 200, got.text)
      assert.equal(got.cache, given.has(group) ? 'hit' : 'miss', group)
      assert.equal(textIn(got), given.get(group) ?? textIn(got), 'another one’s answer')
      assert.ok(textIn(got).endsWith(`Bearer ${secret}`), `${textIn(got)} is not of ${secret}`)
      given.set(group, textIn(got))
    }
  }), { numRuns: sequences })
  t.diagnostic(`${sequences} sequences of 12 to 30 requests, no answer of somebody else`)
})

test('a hit costs nothing, asks nobody, holds nothing and takes no tokens of a limit, and counts as a request; it says what it is', async () => {
  const rig = await startCacheRig()
  const key = keyIn(rig, { rateLimit: { rpm: 7, tpm: 100, concurrency: null, spendNano: null }, budget: { limitNano: 30_000_000, period: 'day', mode: 'standard' } })
  const body = { max_tokens: 5 }
  const first = await rig.ask(body, key)
  assert.deepEqual([first.status, first.cache, Number(first.headers.get('x-megarouter-cost-usd')) > 0], [200, 'miss', true], first.text)
  const lsn = rig.money.journal.lastLsn
  const second = await rig.ask(body, key)
  assert.deepEqual([second.cache, second.headers.get('x-megarouter-cost-usd'), second.headers.get('x-megarouter-attempts'), second.headers.get('x-megarouter-model'), second.headers.get('x-megarouter-provider'), second.headers.get('age'), second.headers.get('openai-model')], ['hit', '0', '0', 'one', 'shop', '0', 'one'])
  assert.equal(rig.money.journal.lastLsn, lsn, 'nothing was held')
  assert.equal(rig.arrived.length, 1)
  const [paid, free] = await rig.recorded(2)
  assert.deepEqual([paid!.cache, paid!.attempts.length, free!.cache, free!.attempts.length, free!.outcome, free!.status, free!.route], ['miss', 1, 'hit', 0, 'success', 200, `cached answer of ${paid!.id}`])
  assert.notEqual(second.headers.get('x-megarouter-request-id'), paid!.id)
  assert.equal(rig.gateway.cache.savedNano, paid!.attempts[0]!.costNano)
  // Each would take a third of what is left of the minute's tokens.
  for (let i = 0; i < 5; i++) assert.equal((await rig.ask(body, key)).cache, 'hit')
  assert.equal((await rig.ask(body, key)).status, 429)
})

test('a budget without room refuses what would cost something, and gives what is kept', async () => {
  const rig = await startCacheRig()
  const key = keyIn(rig, { node: 'team_a' })
  await keeps(rig, {}, key)
  rig.govern(budget('bud_none', 'team', 'team_a', 1))
  assert.equal((await rig.ask({}, key)).cache, 'hit')
  assert.equal((await rig.ask({ seed: 1 }, key)).status, 402)
})

test('what is no whole answer is never kept: cut, broken, empty, truncated, filtered, refused, an error', async () => {
  const rig = await startCacheRig()
  for (const stream of [false, true]) {
    // Without its own end marker a whole stream is one that broke at the last moment.
    for (const model of faulty.filter((each) => each !== 'slow' && (stream || each !== 'no-end'))) {
      for (let i = 0; i < 2; i++) assert.notEqual((await rig.ask({ model: `shop/${model}`, stream })).cache, 'hit', `${model} ${stream}`)
      Object.assign(rig.gateway.tools.health, new (rig.gateway.tools.health.constructor as new (random: () => number) => object)(() => 0.5))
    }
  }
  assert.deepEqual(rig.gateway.cache.answers.held(), { answers: 0, bytes: 0, evicted: 0 })
  await keeps(rig, { model: 'shop/whole' })
  await keeps(rig, { model: 'shop/whole', stream: true })
  assert.equal(rig.gateway.cache.recordingBytes, 0)
})

test('what the vendor ended otherwise than by itself is not kept where the client’s format has no word for that', async () => {
  const rig = await startCacheRig()
  for (const [path, body] of [['/api/chat', {}], ['/v2/chat', {}], ['/v1/chat/completions', {}], ['/v1/responses', { input: 'hi', store: false }]] as const) {
    for (const stream of [false, true]) {
      for (const reason of ['end_turn', 'tool_use', 'max_tokens', 'refusal', 'pause_turn', 'model_context_window_exceeded', 'something_new']) {
        const given = []
        for (let i = 0; i < 2; i++) {
          const response = await fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: `claude/${reason}`, stream, megarouter: { cache: true }, ...'input' in body ? body : { messages: [{ role: 'user', content: 'hi' }] } }) })
          assert.equal(response.status, 200, await response.text())
          given.push(response.headers.get('x-megarouter-cache'))
        }
        assert.deepEqual(given, ['miss', reason === 'end_turn' || reason === 'tool_use' ? 'hit' : 'miss'], `${path} ${stream} ${reason}`)
      }
    }
  }
})

test('an answer whose client left before its end is not kept', async () => {
  const rig = await startCacheRig()
  for (const stream of [false, true]) {
    const leaving = new AbortController()
    const asked = fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'shop/slow', stream, messages: [{ role: 'user', content: 'hi' }], megarouter: { cache: true } }) })
    if (stream) await (await asked).body!.getReader().read()
    else await new Promise((resolve) => setTimeout(resolve, 50))
    leaving.abort()
    await asked.catch(() => null)
  }
  await rig.recorded(2)
  assert.equal(rig.gateway.cache.answers.held().answers, 0)
  assert.equal(rig.gateway.cache.recordingBytes, 0)
})

test('what depends on more than the request is neither kept nor given, and who asks for the cache is told why', async () => {
  const rig = await startCacheRig()
  const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })
  const cases: [Record<string, unknown>, RegExp, Record<string, string>?][] = [
    [{ n: 2 }, /several answers/], [{ store: true }, /"store"/], [{ tools: [{ type: 'web_search' }] }, /a tool of the type/], [{ brand_new: 1 }, /brand_new/], [{ seed: 2 ** 53 }, /53 bits/],
    [user([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]), /outside of it/], [user([{ type: 'file', file: { file_id: 'file-1' } }]), /it has/],
    [{ megarouter: { cache: true, include_cost: true } }, /include_cost/], [user('x'.repeat(limits.cacheRequestBytes)), /KiB/], [{}, /Idempotency-Key/, { 'idempotency-key': 'k1' }],
  ]
  for (const [body, why, headers] of cases) {
    const got = await rig.ask({ model: 'shop/whole', ...body }, rig.key, headers)
    assert.deepEqual([got.status, got.cache], [200, 'off'], got.text)
    assert.match(got.headers.get('x-megarouter-warnings')!, why)
  }
  assert.equal(rig.gateway.cache.answers.held().answers, 0)
  // An image that stands in the request does not change.
  await keeps(rig, { model: 'shop/whole', ...user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(100)}` } }]) })
})

test('a member that stands twice makes no key: a vendor may read the other one', async () => {
  const rig = await startCacheRig()
  const send = async (message: string): Promise<string> => {
    const response = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: `{"model":"one","megarouter":{"cache":true},"messages":[${message}]}` })
    await response.text()
    return response.headers.get('x-megarouter-cache')!
  }
  assert.equal(await send('{"role":"user","content":"evil","content":"hi"}'), 'off')
  assert.equal(await send('{"role":"user","content":"hi"}'), 'miss')
})

test('the cache is off where neither policy nor organisation has it, where a request says so, and where it does not ask', async () => {
  const rig = await startCacheRig()
  await keeps(rig, {})
  assert.equal((await rig.ask({ megarouter: { cache: false } })).cache, 'off')
  assert.equal((await rig.ask({ megarouter: undefined })).cache, 'off')
  assert.equal((await rig.ask({ megarouter: undefined }, rig.key, { 'x-megarouter-cache': 'true' })).cache, 'hit')
  rig.policy = () => ({ ttlMs: 1_000, scope: 'p:1' })
  await keeps(rig, { megarouter: undefined })
  for (const headers of [{ 'x-megarouter-cache': 'false' }]) assert.equal((await rig.ask({ megarouter: undefined }, rig.key, headers)).cache, 'off')
  rig.policy = () => null
  const got = await rig.ask({})
  assert.equal(got.cache, 'off')
  assert.match(got.headers.get('x-megarouter-warnings')!, /neither the routing policy nor the organisation/)
  rig.policy = null
  rig.publish((organisation) => { organisation.cacheTtlMs = 0 })
  assert.equal((await rig.ask({})).cache, 'off')
})

test('an answer is given no more once its key is revoked, its model not allowed, not served, or not what the name means', async () => {
  const rig = await startCacheRig()
  const { text: key, entry } = rig.addKey({ node: 'team_a' })
  let version = 1
  const cases: [string, () => void, () => void, number][] = [
    ['a policy', () => rig.govern(policy('pol_1', 'team', 'team_a', [{ effect: 'deny', models: ['one'] }])), () => rig.govern(policy('pol_1', 'team', 'team_a', [], { enabled: false })), 403],
    ['the list of the key', () => rig.gateway.keys.replace({ ...entry, version: ++version, models: ['two'] }), () => rig.gateway.keys.replace({ ...entry, version: ++version }), 403],
    ['the provider', () => rig.publish((organisation) => { organisation.deployments = organisation.deployments.filter(({ model }) => model !== 'one') }), () => rig.publish((organisation) => { organisation.deployments.push({ ...organisation.deployments.at(-1)!, id: 'shop-one', model: 'one', upstreamModel: 'one' }) }), 404],
  ]
  for (const scope of ['', 'auto:1']) {
    rig.policy = () => ({ ttlMs: 60_000, scope })
    for (const [what, take, give, status] of cases) {
      await rig.gateway.cache.empty('org_test')
      await keeps(rig, {}, key)
      take()
      const refused = await rig.ask({}, key)
      assert.equal(refused.status, status, `${what}: ${refused.text}`)
      give()
      assert.equal((await rig.ask({}, key)).cache, 'hit', what)
    }
  }
  rig.policy = null
  const other = rig.addKey({ node: 'team_a' })
  assert.equal((await rig.ask({}, other.text)).cache, 'miss', 'the policy’s own entries are another’s')
  assert.equal((await rig.ask({}, other.text)).cache, 'hit')
  rig.gateway.keys.replace({ ...other.entry, version: 2, status: 'revoked' })
  assert.equal((await rig.ask({}, other.text)).status, 401)
})

test('an alias that is pointed elsewhere gives nothing of where it pointed before; of a policy, which may choose either, both may answer', async () => {
  const rig = await startCacheRig()
  const point = (model: string): void => rig.publish((organisation) => { organisation.aliases = [{ name: 'fast', strategy: 'ordered', targets: [{ model, weight: 1 }] }] })
  point('one')
  await keeps(rig, { model: 'fast' })
  point('two')
  const moved = await rig.ask({ model: 'fast' })
  assert.deepEqual([moved.cache, moved.headers.get('x-megarouter-model')], ['miss', 'two'])
  rig.policy = () => ({ ttlMs: 60_000, scope: 'p:1' })
  await keeps(rig, { model: 'fast' })
  point('one')
  assert.equal((await rig.ask({ model: 'fast' })).headers.get('x-megarouter-model'), 'two')
})

test('of a policy that may choose several, the answer of one that the key may use no more, or with other credentials, is not given', async () => {
  const rig = await startCacheRig()
  rig.policy = () => ({ ttlMs: 60_000, scope: 'p:1' })
  const point = (...models: string[]): void => rig.publish((organisation) => { organisation.aliases = [{ name: 'fast', strategy: 'ordered', targets: models.map((model) => ({ model, weight: 1 })) }] })
  const { text: key, entry } = rig.addKey({ node: 'team_a' })
  const takes: [string, (() => void)[]][] = [
    ['by a policy', [() => rig.govern(policy('pol_1', 'team', 'team_a', [{ effect: 'deny', models: ['one'] }])), () => rig.govern(policy('pol_1', 'team', 'team_a', [], { enabled: false }))]],
    ['by its list', [() => rig.gateway.keys.replace({ ...entry, version: 2, models: ['two'] }), () => rig.gateway.keys.replace({ ...entry, version: 3 })]],
    ['with other credentials', [() => { point('up/echo-5'); rig.publish((organisation) => { organisation.providers.find(({ id }) => id === 'shop')!.credentials.push({ id: 'own', secret: 'sk-own', last4: '-own', node: 'team_a' }) }) }]],
  ]
  for (const [how, [take, give]] of takes) {
    await rig.gateway.cache.empty('org_test')
    point('one', 'two')
    await keeps(rig, { model: 'fast' }, key)
    take!()
    const other = await rig.ask({ model: 'fast' }, key)
    assert.deepEqual([other.status, other.cache], [200, 'miss'], `${how}: ${other.text}`)
    give?.()
  }
})

test('a routing policy that keeps answers gives them whichever model it would choose now, and no more once it is edited; a hit is no decision', async () => {
  const rig = await startCacheRig({ draw: () => 0.999999 })
  const candidate = (model: string) => ({ model, effort: null, when: null })
  const edit = (change: Partial<RoutingPolicyData>): void => rig.publish((organisation) => { organisation.routing = [{ ...plainPolicy('support', 'balanced'), candidates: [candidate('one'), candidate('two')], cache: { ttlS: 60 }, ...change }] })
  edit({})
  const body = { model: 'auto:support', megarouter: undefined }
  const first = await rig.ask(body)
  assert.deepEqual([first.status, first.cache], [200, 'miss'], first.text)
  const model = first.headers.get('x-megarouter-model')!
  for (let i = 0; i < 60; i++) rig.gateway.routing.take('org_test', model, '', rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!).router.understander.understand('hi'), { kind: 'feedback', value: 0 })
  assert.notEqual((await rig.ask({ ...body, seed: 1 })).headers.get('x-megarouter-model'), model, 'it would choose the other one now')
  const hit = await rig.ask(body)
  assert.deepEqual([hit.cache, hit.text, hit.headers.get('x-megarouter-model')], ['hit', first.text, model])
  assert.equal((await rig.ask({ ...body, megarouter: { cache: false } })).cache, 'off')
  const records = await rig.recorded(4)
  rig.gateway.routing.flush()
  assert.deepEqual(records.map(({ decision, cache }) => [decision !== null, cache]), [[true, 'miss'], [true, 'miss'], [false, 'hit'], [true, 'off']])
  assert.equal(rig.routed.decisions.length, 3)
  // The answer of a model that was only tried would outlive its trial.
  const { cache } = rig.gateway
  const answered = cache.answered.bind(cache)
  cache.answered = (exchange) => {
    exchange.routed!.record.why = 'explored'
    answered(exchange)
  }
  for (let i = 0; i < 2; i++) assert.equal((await rig.ask({ ...body, seed: 2 })).cache, 'miss')
  cache.answered = answered
  edit({ minQuality: 0.01 })
  assert.equal((await rig.ask(body)).cache, 'miss')
  edit({ cache: null })
  assert.equal((await rig.ask(body)).cache, 'off')
  // What the organisation has is for models that are asked for by name.
  assert.equal((await rig.ask({ ...body, megarouter: { cache: true } })).cache, 'off')
})

test('the answer of a fallback is not kept', async () => {
  const rig = await startCacheRig({ attempts: 2 })
  const got = await rig.ask({ model: 'shop/error', megarouter: { cache: true, fallbacks: ['two'] } })
  assert.deepEqual([got.status, got.headers.get('x-megarouter-model'), rig.gateway.cache.answers.held().answers], [200, 'two', 0])
})

test('an answer is kept as long as the organisation says, also after it says less; an organisation’s part is emptied alone', async () => {
  let nowMs = 1e6
  const clock: Clock = { epochMs: () => nowMs, monotonicUs: () => nowMs * 1000 }
  const rig = await startCacheRig({ answers: new MemoryAnswers(clock, limits.cacheBytes) })
  await keeps(rig, {})
  nowMs += 59_999
  assert.equal((await rig.ask({})).cache, 'hit')
  nowMs += 1
  assert.equal((await rig.ask({})).cache, 'miss')
  const b = keyIn(rig, { org: 'org_b' })
  await keeps(rig, {}, b)
  assert.equal((await rig.gateway.cache.empty('org_test')).answers, 1)
  assert.deepEqual([(await rig.ask({}, b)).cache, (await rig.ask({})).cache], ['hit', 'miss'])
  rig.publish((organisation) => { organisation.cacheTtlMs = 1 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal((await rig.ask({})).cache, 'miss')
})

test('embeddings are kept; completions are not', async () => {
  const rig = await startCacheRig()
  const post = async (path: string, body: object): Promise<[string | null, string]> => {
    const response = await fetch(`${rig.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'one', megarouter: { cache: true }, ...body }) })
    return [response.headers.get('x-megarouter-cache'), await response.text()]
  }
  for (const model of ['error', 'error-in-200', 'cut', 'empty', 'large']) {
    await post('embeddings', { model: `shop/${model}`, input: 'a' })
    assert.equal(rig.gateway.cache.answers.held().answers, 0, model)
  }
  const [first, second] = [await post('embeddings', { input: 'a' }), await post('embeddings', { input: 'a' })]
  assert.deepEqual([first[0], second[0], second[1]], ['miss', 'hit', first[1]])
  assert.equal((await post('embeddings', { input: ['a', 'b'] }))[0], 'miss')
  assert.equal((await post('completions', { prompt: 'a' }))[0], 'off')
})

/** Another store, far away: it answers later, or not at all. */
class Far implements AnswerCache {
  readonly near = new Map<string, KeptAnswer>()
  isDown = false
  async find(org: string, key: string): Promise<KeptAnswer | null> {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (this.isDown) throw new Error('away')
    return overTheWire(this.near.get(org + key))
  }
  async keep(org: string, key: string, answer: KeptAnswer): Promise<void> {
    if (this.isDown) throw new Error('away')
    this.near.set(org + key, answer)
  }
  async empty(): Promise<{ answers: number; bytes: number }> { return { answers: 0, bytes: 0 } }
  sweep(): void {}
  held(): { answers: number; bytes: number; evicted: number } { return { answers: 0, bytes: 0, evicted: 0 } }
}

/** As it comes back over a wire. */
const overTheWire = (answer: KeptAnswer | undefined): KeptAnswer | null => answer === undefined ? null : { ...JSON.parse(JSON.stringify(answer)) as KeptAnswer, body: Buffer.from(answer.body) }

test('a store outside of the process keeps and gives answers, and one that is away is a miss and no error', async () => {
  const answers = new Far()
  const rig = await startCacheRig({ answers })
  await keeps(rig, {})
  await keeps(rig, { stream: true })
  answers.isDown = true
  const got = await rig.ask({})
  assert.deepEqual([got.status, got.cache, rig.gateway.cache.failed], [200, 'miss', 2])
})

test('an answer beyond the bounds reaches its client and is not kept, nor is one that is on its way while the cache is emptied', async () => {
  const rig = await startCacheRig()
  const { cache } = rig.gateway
  const during = async (body: Record<string, unknown>, happens: () => unknown): Promise<Got> => {
    const asked = rig.ask(body)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(!body['stream'] || cache.recordingBytes > 0)
    await happens()
    return asked
  }
  for (const stream of [false, true]) {
    assert.ok((await rig.ask({ model: 'shop/large', stream })).text.length > 3e6)
    assert.match((await during({ model: 'shop/slow', stream }, () => cache.empty('org_test'))).text, /answer/)
    assert.deepEqual([cache.answers.held().answers, cache.recordingBytes], [0, 0])
  }
  assert.match((await during({ model: 'shop/slow', stream: true }, () => { cache.resized(limits.cacheRecordingBytes); cache.resized(-limits.cacheRecordingBytes) })).text, /answer/)
  assert.deepEqual([cache.answers.held().answers, cache.recordingBytes], [0, 0])
  await during({ model: 'shop/slow' }, () => cache.empty('org_b'))
  assert.equal(cache.answers.held().answers, 1)
})

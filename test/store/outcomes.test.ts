/** What requests were worth: whose requests somebody may speak of, what is kept, and that it is kept once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { ContentStore } from '../../src/store/content.ts'
import { insertDecisions } from '../../src/store/decisions.ts'
import { decodeId } from '../../src/store/ids.ts'
import { listOutcomes, takeFeedback, type FeedbackAsk, type OutcomeFilters } from '../../src/store/outcomes.ts'
import { RecordStore } from '../../src/store/save.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'
import { fallback, record, traffic } from './fixtures.ts'

const at = Date.UTC(2026, 5, 15, 12) * 1000
const trace = '0af7651916cd43dd8448eb211c80319c'

onBothDatabases((open) => {
  let store: TestDatabase
  let records: RecordStore
  const ask = (more: Partial<FeedbackAsk>): FeedbackAsk => ({ org: 'org_a', key: 'key_a', node: 'project_a', target: { session: 's' }, metric: 'quality', value: true, comment: null, at, ...more })
  const say = (more: Partial<FeedbackAsk>) => takeFeedback(store.database, ask(more))
  const told = async (more: Partial<FeedbackAsk>) => (await say(more))?.requests.map(({ id }) => id) ?? null
  const list = async (filters: OutcomeFilters = {}, org = 'org_a') => (await listOutcomes(store.database, org, filters, { limit: 50 })).data

  beforeEach(async () => {
    store = await open()
    records = new RecordStore(store.database, new ContentStore(store.database, { id: Buffer.from('kek1'), key: randomBytes(32) }), assert.ifError)
  })
  afterEach(() => store.close())

  test('a request is found by its id, with the decision that it has, also one of several attempts', async () => {
    const [plain, routed] = [record(), fallback()]
    await records.save([plain, routed])
    await insertDecisions(store.database, [{ id: routed.id, org: 'org_a', at, policy: 'cheap', chosen: 'gpt-5.1@low', session: null, body: '{"signals":[]}' }])
    assert.deepEqual((await say({ target: { request: routed.id } }))!.requests, [{ id: routed.id, chosen: 'gpt-5.1@low', decision: '{"signals":[]}' }])
    assert.deepEqual((await say({ target: { request: plain.id } }))!.requests, [{ id: plain.id, chosen: null, decision: null }])
  })

  test('a session and a trace stand for their newest hundred requests', async () => {
    const session = Array.from({ length: 130 }, (_, index) => record({ at: at + index, session: 's' }))
    const traced = [record({ traceparent: `00-${trace}-b7ad6b7169203331-01`, at }), record({ traceparent: `00-${trace}-c7ad6b7169203331-00`, at: at + 1 })]
    await records.save([...session, ...traced, record({ session: 'other' }), record({ traceparent: `00-${'1'.repeat(32)}-b7ad6b7169203331-01` })])
    assert.deepEqual(await told({}), session.slice(30).map(({ id }) => id).toReversed())
    assert.deepEqual(await told({ target: { trace } }), traced.map(({ id }) => id).toReversed())
    const own = Buffer.from(decodeId('req', session[0]!.id)!).toString('hex')
    assert.deepEqual(await told({ target: { trace: own } }), [session[0]!.id], 'a request without a trace has one that is called as itself')
  })

  test('a key speaks of its own requests and of those of its place, and of no others', async () => {
    const project = record({ session: 's', key: 'key_b', at })
    const team = record({ session: 's', key: 'key_c', project: null, at: at + 1 })
    const top = record({ session: 's', key: 'key_d', team: null, project: null, at: at + 2 })
    const elsewhere = record({ session: 's', key: 'key_e', team: 'team_b', project: 'project_b', at: at + 3 })
    const foreign = record({ session: 's', org: 'org_b', at: at + 4 })
    await records.save([project, team, top, elsewhere, foreign])
    assert.deepEqual(await told({}), [project.id])
    assert.deepEqual(await told({ node: 'team_a' }), [team.id])
    assert.deepEqual(await told({ node: null }), [top.id])
    assert.deepEqual(await told({ key: 'key_e' }), [elsewhere.id, project.id], 'a key that moved keeps its own')
    assert.deepEqual(await told({ org: 'org_b' }), [foreign.id])
    for (const { id } of [team, top, elsewhere, foreign]) assert.equal(await told({ target: { request: id } }), null)
  })

  test('what is not known leaves nothing behind', async () => {
    await records.save([record({ session: 's' })])
    for (const target of [{ request: record().id }, { request: 'req_nonsense' }, { session: 'never' }, { trace }]) assert.equal(await say({ target }), null)
    assert.equal(await say({ org: 'org_unknown' }), null)
    assert.deepEqual(await list(), [])
  })

  test('every kind of value is read back as it was said, an amount to the nano-dollar', async () => {
    const one = record({ session: 's' })
    await records.save([one])
    const said = [true, false, 0, 1, 0.333, { usdNano: 9_000_000_000_000_001 }, { usdNano: -1 }, { label: 'Größe' }] as const
    for (const [index, value] of said.entries()) await say({ metric: `m${index}`, value, comment: index === 0 ? 'well done' : null, at: at + index })
    const kept = (await list()).toReversed()
    assert.deepEqual(kept.map(({ value }) => value), said)
    assert.deepEqual({ ...kept[0], id: '' }, { id: '', at, key: 'key_a', target: { session: 's' }, metric: 'm0', value: true, comment: 'well done' })
  })

  test('the same key, target and metric are one outcome, which the last word fills', async () => {
    const [one, two] = [record({ session: 's' }), record({ session: 's' })]
    await records.save([one, two])
    const first = (await say({ target: { request: one.id }, comment: 'meh' }))!
    const again = (await say({ target: { request: one.id }, value: { label: 'refund' }, at: at + 5 }))!
    assert.deepEqual([first.replaced, again.replaced, again.outcomeId], [false, true, first.outcomeId])
    assert.deepEqual((await list()).map(({ value, comment, at: when }) => [value, comment, when]), [[{ label: 'refund' }, null, at + 5]])
    const others = await Promise.all([say({ target: { request: two.id } }), say({ target: { request: one.id }, metric: 'speed' }), say({ target: { request: one.id }, key: 'key_b' }), say({})])
    assert.deepEqual(others.map((each) => each!.replaced), [false, false, false, false])
    assert.equal((await list()).length, 5)
  })

  test('said many times at once it is still one, and one of them was the first', async () => {
    const one = record()
    await records.save([one])
    const all = await Promise.all(Array.from({ length: 8 }, () => say({ target: { request: one.id } })))
    assert.equal(all.filter((each) => !each!.replaced).length, 1)
    assert.equal((await list()).length, 1)
  })

  test('outcomes are listed newest first, by pages, and each filter selects what it names', async () => {
    const one = record({ session: 's' })
    await records.save([one])
    for (let index = 0; index < 12; index++) await say({ metric: `m${index}`, at: at + Math.floor(index / 3) })
    await say({ target: { request: one.id }, key: 'key_b', at: at + 9 })
    assert.deepEqual((await list({ key: 'key_b' })).map(({ target }) => target), [{ request: one.id }])
    assert.equal((await list({ target: { request: one.id } })).length, 1)
    assert.equal((await list({ target: { session: 's' } })).length, 12)
    assert.equal((await list({ target: { trace } })).length, 0)
    assert.deepEqual((await list({ metric: 'm4' })).map(({ metric }) => metric), ['m4'])
    assert.equal((await list({ from: at + 1, to: at + 3 })).length, 6)
    assert.deepEqual(await list({}, 'org_b'), [])
    const first = await listOutcomes(store.database, 'org_a', {}, { limit: 7 })
    const rest = await listOutcomes(store.database, 'org_a', {}, { limit: 7, cursor: first.nextCursor })
    assert.deepEqual([...first.data, ...rest.data], await list())
  })

  test('a session and a trace are looked up in an index and not in the table', async () => {
    await records.save(traffic(3_000, 1, at, 1_000_000))
    const { kysely, kind } = store.database
    if (kind === 'postgres') await sql`vacuum analyze usage`.execute(kysely)
    const plan = async (query: string): Promise<string> => JSON.stringify((await sql<object>`${sql.raw(`${kind === 'sqlite' ? 'explain query plan' : 'explain'} ${query}`)}`.execute(kysely)).rows)
    assert.match(await plan('select request_id from usage u where u.session = 17 and u.org = 1 and (u.key_id = 3 or (u.team is null and u.project is null)) and u.final = 1 order by u.at desc, u.request_id desc limit 100'), /usage_session/)
    assert.match(await plan(`select request_id from request_log where traceparent is not null and substr(traceparent, 4, 32) = '${trace}' and org = 1 order by seq desc limit 1000`), /request_log_trace/)
  })
})

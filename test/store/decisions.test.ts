/** Decisions of the router, what was learned of arms, and the way of new ones, on both databases. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { insertAdoptionEvents, listAdoptionEvents } from '../../src/store/adoption-events.ts'
import { ContentStore } from '../../src/store/content.ts'
import { transaction } from '../../src/store/database.ts'
import { findDecision, insertDecisions, listDecisions, type Decision, type DecisionFilters } from '../../src/store/decisions.ts'
import { newId } from '../../src/store/ids.ts'
import { createOrganisation } from '../../src/store/organisations.ts'
import { takeFeedback, listOutcomes } from '../../src/store/outcomes.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { deleteArms, listArms, saveArms, type StoredArm } from '../../src/store/routing-arms.ts'
import { isTransient, RecordStore } from '../../src/store/save.ts'
import { updateSettings } from '../../src/store/settings.ts'
import { ResponseStore } from '../../src/store/stored-responses.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'
import { record } from './fixtures.ts'

const day = 86_400_000_000
const at = Date.UTC(2026, 5, 15, 12) * 1000

const decision = (more: Partial<Decision> = {}): Decision => ({
  id: newId('req', Math.floor((more.at ?? at) / 1000), randomBytes(16)), org: 'org_a', at, policy: 'balanced', chosen: 'gpt-5.1', session: null, body: '{"record":{},"signals":[0.5]}', ...more,
})

onBothDatabases((open) => {
  let store: TestDatabase
  const ids = async (filters: DecisionFilters, org = 'org_a') => (await listDecisions(store.database, org, filters, { limit: 50 })).data.map(({ id }) => id)

  beforeEach(async () => { store = await open() })
  afterEach(() => store.close())

  test('a decision is read back as it was made, by its own organisation alone, and saving it again changes nothing', async () => {
    const made = decision({ session: 'chat-1', policy: 'cheap', chosen: 'gpt-5.1@high' })
    await insertDecisions(store.database, [made, decision({ org: 'org_b' })])
    await insertDecisions(store.database, [{ ...made, chosen: 'another' }, decision()])
    assert.deepEqual(await findDecision(store.database, 'org_a', made.id), made)
    for (const [org, id] of [['org_b', made.id], ['org_a', 'req_nonsense'], ['org_a', decision().id]] as const) assert.equal(await findDecision(store.database, org, id), null)
    assert.equal((await ids({})).length, 2)
  })

  test('each filter of the list selects exactly what it names', async () => {
    const [cheap, high, talk, like] = [decision({ policy: 'cheap', at: at + 1 }), decision({ chosen: 'gpt-5.1@high', at: at + 2 }), decision({ session: 'chat-1', chosen: 'claude', at: at + 3 }), decision({ chosen: 'gpt-5.1-mini', at: at + 4 })]
    await insertDecisions(store.database, [cheap, high, talk, like, decision({ org: 'org_b', session: 'chat-1' })])
    assert.deepEqual(await ids({}), [like.id, talk.id, high.id, cheap.id])
    assert.deepEqual(await ids({ policy: 'cheap' }), [cheap.id])
    assert.deepEqual(await ids({ chosen: 'gpt-5.1' }), [high.id, cheap.id], 'a model with any effort')
    assert.deepEqual(await ids({ chosen: 'gpt-5.1@high' }), [high.id])
    assert.deepEqual(await ids({ session: 'chat-1' }), [talk.id])
    assert.deepEqual(await ids({ from: at + 2, to: at + 4 }), [talk.id, high.id])
    assert.deepEqual(await ids({ policy: "'; drop table decision; --" }), [])
  })

  test('people who see some teams see decisions of their requests and no others', async () => {
    const [seen, hidden] = [record({ team: 'team_a' }), record({ team: 'team_b', project: 'project_b' })]
    await new RecordStore(store.database, new ContentStore(store.database, { id: Buffer.from('kek1'), key: randomBytes(32) }), assert.ifError).save([seen, hidden])
    await insertDecisions(store.database, [decision({ id: seen.id }), decision({ id: hidden.id })])
    assert.deepEqual(await ids({ within: { teams: new Set(['team_a']), projects: new Set() } }), [seen.id])
    assert.deepEqual(await ids({ within: { teams: new Set(), projects: new Set(['nobody']) } }), [])
  })

  test('pages of decisions are newest first, complete and without repetition, with a filter too', async () => {
    const made = Array.from({ length: 57 }, (_, index) => decision({ at: at + Math.floor(index / 5), policy: index % 2 === 0 ? 'cheap' : 'best' }))
    await insertDecisions(store.database, made)
    for (const [filters, wanted] of [[{}, made], [{ policy: 'cheap' }, made.filter(({ policy }) => policy === 'cheap')]] as const) {
      const seen: Decision[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof listDecisions>> = await listDecisions(store.database, 'org_a', filters, { limit: 10, cursor })
        seen.push(...page.data)
        cursor = page.nextCursor
      } while (cursor !== null)
      assert.deepEqual(seen.map(({ id }) => id).toSorted(), wanted.map(({ id }) => id).toSorted())
      assert.deepEqual(seen.map((each) => each.at), wanted.map((each) => each.at).toReversed())
    }
    await assert.rejects(listDecisions(store.database, 'org_a', {}, { limit: 1, cursor: 'eA' }), /cursor/)
  })

  test('what cannot be stored is refused and not called transient, and costs no text of a label', async () => {
    await assert.rejects(insertDecisions(store.database, [decision({ id: 'req_x' })]), (error: unknown) => error instanceof TypeError && !isTransient(error))
    const odd = decision({ session: 'a\0b' })
    await insertDecisions(store.database, [odd])
    assert.equal((await findDecision(store.database, 'org_a', odd.id))!.session, 'ab')
  })

  test('of an arm the newest state is kept, organisations apart; one that is too large is refused; a reset forgets one or all', async () => {
    const arm = (more: Partial<StoredArm> = {}): StoredArm => ({ org: 'org_a', arm: 'gpt-5.1', stage: 'candidate', approved: false, state: '{"n":1}', ...more })
    await saveArms(store.database, [arm(), arm({ arm: 'gpt-5.1@high' }), arm({ state: '{"n":2}' }), arm({ org: 'org_b' })], at)
    await saveArms(store.database, [arm({ stage: 'adopted', approved: true, state: '{"n":3}' })], at + 1)
    assert.deepEqual(await listArms(store.database), [arm({ stage: 'adopted', approved: true, state: '{"n":3}' }), arm({ arm: 'gpt-5.1@high' }), arm({ org: 'org_b' })])
    await assert.rejects(saveArms(store.database, [arm({ state: 'x'.repeat(64 * 1024 + 1) })], at), (error: unknown) => error instanceof RangeError && !isTransient(error))
    assert.equal(await deleteArms(store.database, 'org_a', 'gpt-5.1@high'), 1)
    assert.equal(await deleteArms(store.database, 'org_a', null), 1)
    assert.deepEqual(await listArms(store.database), [arm({ org: 'org_b' })])
    assert.deepEqual(await listArms(store.database, 'org_a'), [])
  })

  test('steps of adoption are appended once and listed newest first', async () => {
    const events = Array.from({ length: 23 }, (_, index) => ({ id: newId('ade', Math.floor(at / 1000) + index, randomBytes(16)), org: 'org_a', at: at + Math.floor(index / 3), arm: index % 2 === 0 ? 'new' : 'newer', from: 'candidate', to: 'adopted', reason: 'carries 30 outcomes', actor: 'router' }))
    await insertAdoptionEvents(store.database, events)
    await insertAdoptionEvents(store.database, [...events, { ...events[0]!, id: newId('ade', 1, randomBytes(16)), org: 'org_b' }])
    const first = await listAdoptionEvents(store.database, 'org_a', {}, { limit: 20 })
    const rest = await listAdoptionEvents(store.database, 'org_a', {}, { limit: 20, cursor: first.nextCursor })
    assert.deepEqual([...first.data, ...rest.data], events.toReversed())
    assert.equal(rest.nextCursor, null)
    assert.deepEqual((await listAdoptionEvents(store.database, 'org_a', { arm: 'newer' }, { limit: 50 })).data.length, 11)
  })

  test('decisions go after their own days, outcomes with usage, states with their organisation; steps of adoption stay', async () => {
    const content = new ContentStore(store.database, { id: Buffer.from('kek1'), key: randomBytes(32) })
    const retention = () => applyRetention(store.database, content, new ResponseStore(store.database, content), at)
    await transaction(store.database, at, async (write) => {
      for (const id of ['org_a', 'org_b']) await createOrganisation(write, { id, name: id, timeZone: 'UTC' })
      await updateSettings(write, 'org_a', { retention: { usageDays: 20 } })
    })
    const old = record({ at: at - 19 * day })
    await new RecordStore(store.database, content, assert.ifError).save([old])
    const say = (metric: string, when: number) => takeFeedback(store.database, { org: 'org_a', key: 'key_a', node: null, target: { request: old.id }, metric, value: true, comment: null, at: when })
    await say('old', at - 20 * day - 1)
    await say('new', at - 20 * day)
    const [kept, theirs] = [decision({ at: at - 7 * day }), decision({ at: at - 7 * day - 1, org: 'org_b' })]
    await insertDecisions(store.database, [kept, decision({ at: at - 7 * day - 1 }), theirs])
    await saveArms(store.database, [{ org: 'org_b', arm: 'm', stage: 'adopted', approved: false, state: '{}' }], at)
    await transaction(store.database, at, (write) => updateSettings(write, 'org_b', { retention: { decisionsDays: 8 } }))
    const { decisions, outcomes } = await retention()
    assert.deepEqual([decisions, outcomes], [1, 1])
    assert.deepEqual([await ids({}), await ids({}, 'org_b'), (await listOutcomes(store.database, 'org_a', {}, { limit: 9 })).data.map(({ metric }) => metric)], [[kept.id], [theirs.id], ['new']])
    await insertAdoptionEvents(store.database, [{ id: 'ade_1', org: 'org_b', at: 1, arm: 'm', from: 'candidate', to: 'adopted', reason: '', actor: 'router' }])
    assert.equal((await listArms(store.database)).length, 1)
    await transaction(store.database, at, (write) => updateSettings(write, 'org_b', { deleted: true }))
    await retention()
    assert.deepEqual([await listArms(store.database), (await listAdoptionEvents(store.database, 'org_b', {}, { limit: 9 })).data.length], [[], 1])
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { ContentStore } from '../../src/store/content.ts'
import { transaction } from '../../src/store/database.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { updateSettings } from '../../src/store/settings.ts'
import { ResponseStore } from '../../src/store/stored-responses.ts'
import { createOrganisation } from '../../src/store/organisations.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'

const day = 86_400_000_000
const at = Date.UTC(2026, 5, 15, 12) * 1000
const mb = 1024 * 1024

onBothDatabases((open) => {
  let store: TestDatabase
  let content: ContentStore
  let responses: ResponseStore
  const stored = (id: string, previous: string | null = null, more: { org?: string; owner?: string; at?: number; text?: string } = {}) => ({
    org: 'org_a', owner: 'project:p', id, previous, at, json: JSON.stringify({ input: [{ role: 'user', content: more.text ?? `canary ${id}` }], response: { id, output: [] } }), ...more,
  })
  const ids = async (id: string, org = 'org_a', owner = 'project:p') => (await responses.chain(org, owner, id))?.map(({ response }) => response['id']) ?? null

  beforeEach(async () => {
    store = await open()
    content = new ContentStore(store.database, { id: Buffer.from('kek1'), key: randomBytes(32) })
    responses = new ResponseStore(store.database, content)
    await transaction(store.database, at, async (write) => { for (const id of ['org_a', 'org_b']) await createOrganisation(write, { id, name: id, timeZone: 'UTC' }) })
  })
  afterEach(() => store.close())

  test('a conversation is found by its last answer, oldest first, by its owner alone; the database shows none of it', async () => {
    for (const each of [stored('r1'), stored('r2', 'r1'), stored('r3', 'r2')]) assert.equal(await responses.save(each, mb), true)
    assert.deepEqual(await ids('r3'), ['r1', 'r2', 'r3'])
    assert.deepEqual((await responses.chain('org_a', 'project:p', 'r1'))![0]!.input, [{ role: 'user', content: 'canary r1' }])
    for (const [org, owner] of [['org_b', 'project:p'], ['org_a', 'project:q'], ['org_a', 'key:p']] as const) {
      assert.equal(await ids('r3', org, owner), null)
      assert.equal(await responses.remove(org, owner, 'r3'), false)
    }
    const rows = await store.database.kysely.selectFrom('stored_response').selectAll().execute()
    assert.ok(!rows.some(({ sealed }) => Buffer.from(sealed).includes('canary')) && !JSON.stringify({ ...rows, sealed: '' }).includes('canary'))
  })

  test('what goes on from a deleted answer is not found, and a row that was moved to another owner or id opens for nobody', async () => {
    for (const each of [stored('r1'), stored('r2', 'r1'), stored('r3', null, { owner: 'project:q' })]) await responses.save(each, mb)
    await store.database.kysely.updateTable('stored_response').set({ owner: 'project:p' }).where('id', '=', 'r3').execute()
    assert.equal(await ids('r3'), null)
    assert.equal(await responses.remove('org_a', 'project:p', 'r1'), true)
    assert.equal(await ids('r2'), null)
  })

  test('a conversation that leads back to itself, or has more answers than one may, is none', async () => {
    for (const each of [stored('r1', 'r2'), stored('r2', 'r1')]) await responses.save(each, mb)
    assert.equal(await ids('r2'), null)
  })

  test('the oldest give way to the quota, one answer above it is refused, and an organisation takes nothing from another', async () => {
    const large = (id: string, more: object = {}) => stored(id, null, { text: randomBytes(30_000).toString('hex'), ...more })
    await responses.save(large('other', { org: 'org_b' }), mb)
    for (let i = 0; i < 5; i++) assert.equal(await responses.save(large(`r${i}`, { at: at + i }), 80_000), true)
    assert.deepEqual(await Promise.all(['r0', 'r1', 'r2', 'r3', 'r4'].map(async (id) => await ids(id) !== null)), [false, false, false, true, true])
    assert.equal(await responses.save(large('huge'), 10_000), false)
    assert.notEqual(await ids('other', 'org_b'), null)
  })

  test('retention removes what is too old, a deleted organisation keeps nothing, and a purge destroys all at once', async () => {
    await transaction(store.database, at, (write) => updateSettings(write, 'org_a', { responses: { retentionDays: 2 } }))
    for (const each of [stored('old', null, { at: at - 2 * day - 1 }), stored('new', null, { at: at - 2 * day }), stored('theirs', null, { org: 'org_b' })]) await responses.save(each, mb)
    assert.equal((await applyRetention(store.database, content, responses, at)).responses, 1)
    assert.deepEqual([await ids('old'), await ids('new')], [null, ['new']])
    await transaction(store.database, at, (write) => updateSettings(write, 'org_b', { deleted: true }))
    assert.equal((await applyRetention(store.database, content, responses, at)).responses, 1)
    await content.purge('org_a')
    assert.equal(await ids('new'), null)
    assert.deepEqual(await store.database.kysely.selectFrom('stored_response').select('id').execute(), [])
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ContentStore } from '../../src/store/content.ts'
import { ResponseStore } from '../../src/store/stored-responses.ts'
import { transaction } from '../../src/store/database.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { findRequest } from '../../src/store/requests.ts'
import { RecordStore } from '../../src/store/save.ts'
import { CannotDecryptError } from '../../src/store/secrets.ts'
import { updateSettings } from '../../src/store/settings.ts'
import { requestIdOf } from '../../src/store/rows.ts'
import { ensureOrganisation } from '../../src/store/users.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'
import { record, refusal } from './fixtures.ts'

const day = 86_400_000_000
const at = Date.UTC(2026, 5, 15, 12) * 1000
const kek = { id: Buffer.from('kek1'), key: randomBytes(32) }

onBothDatabases((open) => {
  let store: TestDatabase
  let content: ContentStore
  let records: RecordStore
  const filesOf = (org: string): string[] => {
    const directory = join(store.settings.dataDir, 'content', org)
    return existsSync(directory) ? readdirSync(directory).sort() : []
  }
  const withContent = (text: string, more = {}) =>
    record({ at, content: { request: Buffer.from(`canary request ${text}`), response: Buffer.from(`canary response ${text}`), truncated: text === 'cut' }, ...more })
  const read = (one: ReturnType<typeof record>, org = one.org!) => content.read(org, requestIdOf(one))

  beforeEach(async () => {
    store = await open()
    content = new ContentStore(store.database, kek)
    records = new RecordStore(store.database, content, assert.ifError)
  })
  afterEach(() => store.close())

  test('stored content is read back exactly, and by its own organisation only', async () => {
    const batch = ['one', 'two', 'cut'].map((text) => withContent(text))
    await records.save(batch)
    await records.save([withContent('later')])
    for (const one of batch) {
      const found = (await read(one))!
      assert.deepEqual([Buffer.from(found.request), Buffer.from(found.response), found.truncated], [one.content!.request, one.content!.response, one.content!.truncated])
    }
    assert.equal(await read(batch[0]!, 'org_b'), null)
    assert.equal(await read(record()), null)
    assert.deepEqual([await content.isStored('org_a', requestIdOf(batch[0]!)), await content.isStored('org_b', requestIdOf(batch[0]!))], [true, false])
  })

  test('content is private on disk and readable nowhere without the key', async () => {
    await records.save([withContent('one')])
    const file = join(store.settings.dataDir, 'content', 'org_a', '2026-06-15.mrc')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(!readFileSync(file).includes('canary'))
    assert.ok(!JSON.stringify(await store.database.kysely.selectFrom('request_log').selectAll().execute()).includes('canary'))
  })

  test('a frame that was altered, or stands in for another request, is refused', async () => {
    const [one, two] = [withContent('one'), withContent('two')]
    await records.save([one, two])
    const file = join(store.settings.dataDir, 'content', 'org_a', '2026-06-15.mrc')
    const bytes = readFileSync(file)
    const { kysely } = store.database
    const rows = await kysely.selectFrom('content_index').selectAll().orderBy('position').execute()
    await kysely.updateTable('content_index').set({ position: rows[1]!.position, bytes: rows[1]!.bytes }).where('request_id', '=', rows[0]!.request_id).execute()
    await assert.rejects(read(one), CannotDecryptError)
    await kysely.updateTable('content_index').set({ position: rows[0]!.position, bytes: rows[0]!.bytes }).where('request_id', '=', rows[0]!.request_id).execute()
    bytes[rows[0]!.position + 40]! ^= 1
    writeFileSync(file, bytes)
    await assert.rejects(read(one), CannotDecryptError)
    assert.ok(await read(two))
  })

  test('a torn frame of a crash does not disturb the frames after it', async () => {
    await records.save([withContent('one')])
    appendFileSync(join(store.settings.dataDir, 'content', 'org_a', '2026-06-15.mrc'), randomBytes(33))
    const later = withContent('later')
    await records.save([later])
    assert.equal(Buffer.from((await read(later))!.request).toString(), 'canary request later')
  })

  test('after a purge nothing can be read, neither from copies of the files nor with a copy of the cached key', async () => {
    const one = withContent('one')
    const foreign = withContent('foreign', { org: 'org_b' })
    await records.save([one, foreign])
    const directory = store.settings.dataDir
    const file = join(directory, 'content', 'org_a', '2026-06-15.mrc')
    const stolen = readFileSync(file)
    const index = await store.database.kysely.selectFrom('content_index').selectAll().where('org_id', '=', 'org_a').execute()
    const { wrapped } = await store.database.kysely.selectFrom('data_key').select('wrapped').where('org_id', '=', 'org_a').executeTakeFirstOrThrow()
    const other = new ContentStore(await store.again(), kek)
    await other.purge('org_a')
    assert.deepEqual(filesOf('org_a'), [])
    assert.equal(await read(one), null)
    // A thief who kept the files and their index, with the master key and today's database.
    const later = withContent('later')
    await records.save([later])
    writeFileSync(file, stolen)
    await store.database.kysely.deleteFrom('content_index').where('org_id', '=', 'org_a').execute()
    const { id } = await store.database.kysely.selectFrom('data_key').select('id').where('org_id', '=', 'org_a').executeTakeFirstOrThrow()
    await store.database.kysely.insertInto('content_index').values(index.map((row) => ({ ...row, data_key_id: id }))).execute()
    await assert.rejects(read(one), CannotDecryptError)
    if (store.database.kind === 'sqlite') {
      for (const name of readdirSync(directory).filter((entry) => entry.startsWith('megarouter.db'))) assert.equal(readFileSync(join(directory, name)).indexOf(wrapped), -1, `${name} still holds the key`)
    }
    assert.ok(await read(foreign))
  })

  test('content past its days goes, then the oldest days until the quota holds', async () => {
    const days = [40, 3, 2, 1, 0].map((ago) => withContent(`day ${ago}`, { at: at - ago * day }))
    await records.save(days)
    assert.equal(await content.prune('org_a', { retentionDays: 30, quotaBytes: Infinity }, at), 1)
    assert.deepEqual(filesOf('org_a'), ['2026-06-12.mrc', '2026-06-13.mrc', '2026-06-14.mrc', '2026-06-15.mrc'])
    const bytes = statSync(join(store.settings.dataDir, 'content', 'org_a', '2026-06-15.mrc')).size
    assert.equal(await content.prune('org_a', { retentionDays: 30, quotaBytes: bytes * 2.5 }, at), 2)
    assert.deepEqual(filesOf('org_a'), ['2026-06-14.mrc', '2026-06-15.mrc'])
    assert.equal(await read(days[1]!), null)
    assert.ok(await read(days[4]!))
    const orphan = join(store.settings.dataDir, 'content', 'org_a', '2026-04-01.mrc')
    writeFileSync(orphan, 'frames of a transaction that failed')
    await content.prune('org_a', { retentionDays: 30, quotaBytes: Infinity }, at)
    assert.ok(!existsSync(orphan))
  })

  test('content that cannot be stored costs no record, and is counted', async () => {
    const lost: number[] = []
    writeFileSync(join(store.settings.dataDir, 'content'), 'a file where the directory belongs')
    const one = withContent('one')
    await new RecordStore(store.database, content, (_error, count) => lost.push(count)).save([one])
    assert.deepEqual(lost, [1])
    assert.equal((await findRequest(store.database, 'org_a', one.id))!.costNano, 5_012_750)
  })

  test('an organisation id is never a path', async () => {
    await assert.rejects(content.append([{ org: '../escape', requestId: randomBytes(16), at, request: Buffer.of(1), response: Buffer.of(2), truncated: false }]), /no organisation id/)
  })

  test('retention removes exactly what is older than the settings of its organisation', async () => {
    const { id: org } = await transaction(store.database, at, (write) => ensureOrganisation(write, randomBytes(16)))
    await transaction(store.database, at, (write) => updateSettings(write, org, { retention: { requestsDays: 10, usageDays: 20 } }))
    const [old, middle, fresh] = [record({ org, at: at - 20 * day - 1 }), record({ org, at: at - 10 * day - 1 }), record({ org, at: at - 10 * day })]
    const unknown = refusal({ org: null, key: null, at: at - 20 * day - 1 })
    await records.save([old, middle, fresh, unknown])
    assert.deepEqual(await applyRetention(store.database, content, new ResponseStore(store.database, content), at), { usage: 2, requests: 3, repeatMarks: 0, contentDays: 0, responses: 0, decisions: 0, outcomes: 0 })
    const kept = async (one: typeof old) => (await findRequest(store.database, org, one.id))?.modelAsked
    assert.deepEqual([await kept(old), await kept(middle), await kept(fresh)], [undefined, null, 'gpt-5.1'])
    assert.deepEqual(await applyRetention(store.database, content, new ResponseStore(store.database, content), at), { usage: 0, requests: 0, repeatMarks: 0, contentDays: 0, responses: 0, decisions: 0, outcomes: 0 })
  })
})

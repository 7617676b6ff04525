/** Decisions by pages with a bound, what was billed for their requests, and models that forget, on both databases. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ContentStore } from '../../src/store/content.ts'
import type { Database } from '../../src/store/database.ts'
import { insertDecisions, type Decision } from '../../src/store/decisions.ts'
import { usageFlags, type RequestRecord } from '../../src/store/records.ts'
import { forgetArms, listArms, saveArms } from '../../src/store/routing-arms.ts'
import { RecordStore } from '../../src/store/save.ts'
import { billedOf, eachDecision } from '../../src/store/savings.ts'
import { onBothDatabases, type OpenFresh } from './databases.ts'
import { attempt, record } from './fixtures.ts'

const decisionOf = (id: string, at: number): Decision => ({ id, org: 'org_a', at, policy: 'balanced', chosen: 'm', session: null, body: '{}' })

onBothDatabases((open) => {
  test('all decisions are read once, newest first, and no more than the bound of them', async () => {
    const { database, close } = await open()
    const made = Array.from({ length: 450 }, (_, at) => decisionOf(record().id, 1_000 + at))
    await insertDecisions(database, made)
    const read = async (most?: number) => {
      const found: string[] = []
      let isMore = false
      for await (const { decisions, more } of eachDecision(database, 'org_a', {}, most)) {
        assert.ok(decisions.length <= 200)
        found.push(...decisions.map(({ id }) => id))
        isMore = more
      }
      return { found, isMore }
    }
    const newestFirst = made.map(({ id }) => id).reverse()
    assert.deepEqual(await read(), { found: newestFirst, isMore: false })
    assert.deepEqual(await read(430), { found: newestFirst.slice(0, 430), isMore: true })
    assert.deepEqual((await read(1)).found, newestFirst.slice(0, 1))
    await close()
  })

  test('billed is the sum of all attempts, and whole only where the request was answered by a vendor at a known price', async () => {
    const { database, save, close } = await opened(open)
    const failed = attempt({ number: 1, final: false, outcome: 'upstream_error', status: 500, costNano: 7 })
    const rows = [
      record({ attempts: [failed, attempt({ number: 2, costNano: 5 })] }), record({ attempts: [attempt({ flags: usageFlags.unpriced, costNano: 0 })] }), record({ outcome: 'failed', status: 502, attempts: [attempt({ outcome: 'upstream_error', costNano: 3 })] }),
      record({ cache: 'hit' }), record({ outcome: 'cancelled', status: 499 }),
    ]
    await save(rows)
    const found = await billedOf(database, [...rows.map(({ id }) => id), record().id, 'req_nonsense'])
    assert.deepEqual(rows.map(({ id }) => found.get(id)!.isWhole), [true, false, false, false, false])
    assert.deepEqual([found.size, found.get(rows[0]!.id)!.costNano], [5, 12])
    await close()
  })

  test('what was learned of one model, or of all of one organisation, is forgotten, and how far it may go stays', async () => {
    const { database, close } = await open()
    const arm = (org: string, name: string) => ({ org, arm: name, stage: 'rejected' as const, approved: true, state: '{"n":1}' })
    await saveArms(database, [arm('org_a', 'x'), arm('org_a', 'y'), arm('org_b', 'x')], 1)
    await forgetArms(database, 'org_a', 'x')
    assert.deepEqual(await listArms(database), [{ ...arm('org_a', 'x'), state: '' }, arm('org_a', 'y'), arm('org_b', 'x')])
    await forgetArms(database, 'org_a', null)
    assert.deepEqual((await listArms(database)).map(({ state }) => state), ['', '', '{"n":1}'])
    await close()
  })
})

async function opened(open: OpenFresh): Promise<{ database: Database; save(rows: RequestRecord[]): Promise<void>; close(): Promise<void> }> {
  const { database, close } = await open()
  const store = new RecordStore(database, new ContentStore(database, { id: Buffer.from('kek1'), key: randomBytes(32) }), (error) => assert.fail(String(error)))
  return { database, save: (rows) => store.save(rows), close: () => close() }
}

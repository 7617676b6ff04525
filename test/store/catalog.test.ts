import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { versioned, type Artefact } from '../../src/catalog/artefact.ts'
import type { Change } from '../../src/catalog/guard.ts'
import { addCatalog, appendPrices, claimCheck, catalogState, findCatalog, listCatalogs, noteCheck, packCatalog, priceHistory } from '../../src/store/catalog.ts'
import { countHeld, findChanges, listChanges, replaceHeld, setState } from '../../src/store/catalog-changes.ts'
import { transaction, type Database, type Write } from '../../src/store/database.ts'
import { currentRevision } from '../../src/store/edits.ts'
import { onBothDatabases } from './databases.ts'

const at = 1_780_000_000_000_000
const artefact = (input: number): Artefact => versioned({ date: '2026-06-01', sources: {}, facts: {}, vendors: { v: [{ id: 'm', model: 'm', price: { input, output: 1 } }] } })
const summary = { added: 0, withdrawn: 0, returned: 0, prices: 1, limits: 0, facts: 0, held: 0, unreadable: 0 }
const about = { origin: 'update', source: 'a feed', appliedBy: 'Ann', summary } as const
const edit = <Result>(database: Database, work: (write: Write) => Promise<Result>, later = 0): Promise<Result> => transaction(database, at + later, work)
const add = async (database: Database, input: number) => {
  const packed = await packCatalog(artefact(input))
  return edit(database, (write) => addCatalog(write, packed, about))
}
let seed = 0
const random = (bytes: number): Uint8Array => Buffer.alloc(bytes, ++seed)
const change = (model: string, input: number): Change => ({ vendor: 'v', model, kind: 'price', before: {}, after: { price: { input, output: 1 } }, factor: null, held: 'too much' })

describe('catalogues in the database', () => onBothDatabases((open) => {
  test('the newest one is found whole; a damaged one is passed over and named', async (t) => {
    const { database, close } = await open()
    t.after(close)
    const known = artefact(0)
    assert.deepEqual(await findCatalog(database, known), { stored: null, damaged: [] })
    for (const input of [1, 2, 3]) await add(database, input)
    assert.deepEqual((await findCatalog(database, known)).stored!.artefact, artefact(3))
    await database.kysely.updateTable('catalog_version').set({ artefact: Buffer.from('not what it was') }).where('number', '=', 3).execute()
    await database.kysely.updateTable('catalog_version').set({ version: 'another' }).where('number', '=', 2).execute()
    const { stored, damaged } = await findCatalog(database, known)
    assert.deepEqual([stored!.artefact, stored!.record.number], [artefact(1), 1])
    assert.deepEqual(damaged, [{ number: 3, reason: 'its digest differs' }, { number: 2, reason: 'it holds another version' }])
    await database.kysely.updateTable('catalog_version').set({ artefact: Buffer.from('nor it') }).where('number', '=', 1).execute()
    assert.equal((await findCatalog(database, known)).stored, null)
  })

  test('records stay, artefacts of old ones go', async (t) => {
    const { database, close } = await open()
    t.after(close)
    for (let input = 1; input <= 13; input++) await add(database, input)
    const kept = await database.kysely.selectFrom('catalog_version').select('number').where('artefact', 'is not', null).orderBy('number').execute()
    assert.deepEqual([kept[0]!.number, kept.length], [4, 10])
    const first = await listCatalogs(database, { limit: 8 })
    const rest = await listCatalogs(database, { limit: 8, cursor: first.nextCursor })
    assert.deepEqual([...first.data, ...rest.data].map(({ number }) => number), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  })

  test('the history begins with the price that was there, and is only appended', async (t) => {
    const { database, close } = await open()
    t.after(close)
    const price = (input: number) => ({ price: { input, output: 1 } })
    const since = { version: 'first', since: at - 1000 }
    await edit(database, (write) => appendPrices(write, 'second', [{ vendor: 'v', model: 'm', before: price(1), after: price(2) }, { vendor: 'v', model: 'new', before: null, after: price(5) }], since))
    await edit(database, (write) => appendPrices(write, 'third', [{ vendor: 'v', model: 'm', before: price(2), after: {} }], { version: 'second', since: at }), 500)
    const history = await priceHistory(database, [{ vendor: 'v', model: 'm' }, { vendor: 'v', model: 'new' }, { vendor: 'w', model: 'm' }])
    assert.deepEqual(history.map(({ model, validFrom, version, price: { price: own } }) => [model, validFrom - at, version, own?.input]), [['m', -1000, 'first', 1], ['m', 0, 'second', 2], ['m', 500, 'third', undefined], ['new', 0, 'second', 5]])
    assert.deepEqual(await priceHistory(database, []), [])
  })

  test('a held change stays one row while updates repeat it, and a rejected one does not come back', async (t) => {
    const { database, close } = await open()
    t.after(close)
    const hold = (...changes: Change[]): Promise<number> => edit(database, (write) => replaceHeld(write, 1, changes, random))
    assert.equal(await hold(change('a', 9), change('b', 9)), 2)
    const [a, b] = await findChanges(database, 'held')
    assert.equal(await hold(change('a', 9), change('b', 8)), 1)
    assert.deepEqual((await findChanges(database, 'held')).map(({ id, model }) => [id === a!.id, model]), [[true, 'a'], [false, 'b']])
    assert.deepEqual((await findChanges(database, 'superseded')).map(({ id }) => id), [b!.id])
    await edit(database, (write) => setState(write, [a!.id], 'rejected', 'Ann'))
    assert.deepEqual([await hold(change('a', 9)), await countHeld(database)], [0, 0])
    assert.deepEqual([await hold(change('a', 10)), (await listChanges(database, 'held', { limit: 5 })).data.length], [1, 1])
    assert.deepEqual((await findChanges(database, 'rejected', { ids: [a!.id] })).map(({ decidedBy, decidedAt }) => [decidedBy, decidedAt]), [['Ann', at]])
  })

  test('nodes share one look at the feed, and failures are counted until one succeeds', async (t) => {
    const { database, close } = await open()
    t.after(close)
    const claims = await Promise.all([1, 2, 3].map(() => claimCheck(database, at, at - 1000)))
    assert.deepEqual(claims.filter((claimed) => claimed).length, 1)
    assert.equal(await claimCheck(database, at + 2000, at + 1000), true)
    for (const error of ['gone', 'gone']) await noteCheck(database, at, error)
    assert.deepEqual([(await catalogState(database)).failures, (await catalogState(database)).checkError], [2, 'gone'])
    await noteCheck(database, at + 5, null)
    assert.deepEqual(await catalogState(database), { overrides: [], checkedAt: at + 5, checkError: null, failures: 0 })
    assert.ok(await currentRevision(database) >= 0)
  })
}))

/** The catalogue at run time: updates from a feed over a real socket, decisions, overrides, and what a restart finds. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { serialise, versioned, type Artefact, type Row } from '../../src/catalog/artefact.ts'
import { builtIn } from '../../src/catalog/load.ts'
import { fetchFeed } from '../../src/control/catalog/fetch.ts'
import { pauseMs } from '../../src/control/catalog/schedule.ts'
import { update } from '../../src/control/catalog/update.ts'
import { catalogState } from '../../src/store/catalog.ts'
import type { FromControl } from '../../src/threads/messages.ts'
import { realFeed } from '../catalog/real-feed.ts'
import { startRig, until, type Rig, type RigOptions } from './rig.ts'

const own = builtIn()

/** The built-in catalogue with some rows changed. */
function changed(change: (row: Row, vendor: string) => Row | null, date = '2027-01-01'): string {
  const vendors = Object.fromEntries(Object.entries(own.vendors).map(([vendor, rows]) => [vendor, rows.flatMap((row) => change(row, vendor) ?? [])]))
  return serialise(versioned({ ...own, date, vendors }))
}
const priced = (factors: Record<string, number>) => (row: Row, vendor: string): Row => {
  const factor = factors[`${vendor}/${row.id}`]
  return factor === undefined || row.price === undefined ? row : { ...row, price: { ...row.price, input: row.price.input! * factor } }
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function rigOf(t: TestContext, options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig(options)
  t.after(() => rig.stop())
  return rig
}

const handed = (rig: Rig) => rig.posts.filter((each): each is Extract<FromControl, { kind: 'catalog' }> => each.kind === 'catalog')
const rowsHanded = (rig: Rig, vendor: string): Row[] => handed(rig).at(-1)!.vendors!.filter(([name]) => name === vendor).flatMap(([, rows]) => JSON.parse(rows) as Row[])
const inputOf = (rig: Rig, vendor: string, model: string): number => rig.control.services.catalog.find(vendor, model)!.price!.base.input

describe('updates', () => {
  test('a feed is shown before it is taken, held changes wait, and a decision puts them in force', async (t) => {
    let text = changed(priced({ 'openai/gpt-5.1': 2, 'openai/gpt-4.1': 3, 'mistral/codestral-latest': 0.1 }))
    const url = await serve(t, (_, response) => response.end(text))
    const rig = await rigOf(t, { config: `catalog: { url: "${url}" }\n` })
    const before = await rig.call('GET', '/catalog')
    assert.deepEqual([before.body.version, before.body.built_in, before.body.held, before.body.in_force.origin], [own.version, own.version, 0, 'built-in'])
    assert.ok(before.body.priced >= 2000 && before.body.vendors >= 40)
    assert.deepEqual(handed(rig).map(({ vendors }) => vendors), [null])
    const shown = await rig.call('POST', '/catalog/updates', { body: { dry_run: true } })
    assert.deepEqual([shown.status, shown.body.applied, shown.body.summary.prices, shown.body.summary.held], [200, false, 1, 2])
    assert.equal((await rig.call('GET', '/catalog')).body.version, own.version)
    const taken = await rig.call('POST', '/catalog/updates', { body: {} })
    assert.deepEqual([taken.body.applied, taken.body.changes.map((each: { model: string; held: string | null }) => [each.model, each.held !== null])], [true, [['codestral-latest', true], ['gpt-4.1', true], ['gpt-5.1', false]]])
    assert.deepEqual([inputOf(rig, 'openai', 'gpt-5.1'), inputOf(rig, 'openai', 'gpt-4.1')], [2.5e9, 2e9])
    assert.equal(rowsHanded(rig, 'openai').find((row) => row.id === 'gpt-5.1')!.price!.input, 2.5e9)
    assert.equal(rig.posts.findLastIndex((each) => each.kind === 'catalog') > 0, true)

    const { body: { data } } = await rig.call('GET', '/catalog/changes')
    assert.deepEqual(data.map((each: { vendor: string; state: string }) => [each.vendor, each.state]).sort(), [['mistral', 'held'], ['openai', 'held']])
    const idOf = (vendor: string): string => data.find((each: { vendor: string }) => each.vendor === vendor).id as string
    assert.equal((await rig.call('POST', '/catalog/changes/approve', { body: { ids: [idOf('openai')] } })).body.decided, 1)
    assert.equal((await rig.call('POST', '/catalog/changes/reject', { body: { version: taken.body.version } })).body.decided, 1)
    assert.deepEqual([inputOf(rig, 'openai', 'gpt-4.1'), (await rig.call('GET', '/catalog')).body.held], [6e9, 0])
    assert.equal((await rig.call('POST', '/catalog/changes/approve', { body: { ids: [idOf('mistral')] } })).status, 404)
    assert.equal((await rig.call('POST', '/catalog/changes/approve', { body: {} })).status, 400)
    const repeated = await rig.call('POST', '/catalog/updates', { body: {} })
    assert.deepEqual([repeated.body.applied, (await rig.call('GET', '/catalog')).body.held], [false, 0], 'what was decided is not asked again')

    const { body: history } = await rig.call('GET', '/catalog/history?model=openai/gpt-4.1')
    assert.deepEqual(history.data[0].prices.map((each: { price: { price: { input: number } } }) => each.price.price.input), [2e9, 6e9])
    assert.equal((await rig.call('GET', '/catalog/history?model=no-such')).status, 404)
    assert.deepEqual((await rig.call('GET', '/catalog/versions')).body.data.map((each: { origin: string }) => each.origin), ['decision', 'update', 'built-in'])
    text = '{"v":'
    const refused = await rig.call('POST', '/catalog/updates', { body: {} })
    assert.deepEqual([refused.status, refused.body.error.code, inputOf(rig, 'openai', 'gpt-4.1')], [422, 'feed_unusable', 6e9])
  })

  test('the data set of models.dev, in the form of its site, changes nothing where it says the same', async (t) => {
    const rig = await rigOf(t)
    const outcome = await update(rig.control.services.keeper.updating, JSON.stringify(realFeed()), { source: 'a file', by: 'a test' })
    assert.deepEqual([outcome.applied, outcome.held, outcome.unreadable, outcome.record], [[], [], [], null])
  })

  test('an address of the API leads to public hosts by https only', async (t) => {
    const rig = await rigOf(t)
    const url = await serve(t, (_, response) => response.end('{}'))
    for (const [address, why] of [[url, /is not https/], [url.replace('http:', 'https:'), /does not lead to a public address/], ['https://localhost/x', /public address/], ['https://[::1]/', /public address/], ['ftp://example.com/', /must begin with https/]] as const) {
      const { status, body } = await rig.call('POST', '/catalog/updates', { body: { url: address } })
      assert.deepEqual([status, body.error.code], [422, 'feed_unusable'], address)
      assert.match(body.error.message, why, address)
    }
    assert.equal((await rig.call('POST', '/catalog/updates', { body: {} })).status, 400)
    assert.equal((await rig.call('GET', '/catalog', { as: 'nobody' })).status, 401)
  })

  test('entries are listed in pages, each once', async (t) => {
    const rig = await rigOf(t)
    const seen = new Set<string>()
    let cursor: string | null = ''
    for (let pages = 0; cursor !== null; pages++) {
      const { body } = await rig.call('GET', `/catalog/entries?limit=200&vendor=openrouter${cursor === '' ? '' : `&cursor=${cursor}`}`)
      for (const each of body.data) seen.add(each.model)
      cursor = body.next_cursor as string | null
      assert.ok(pages < 20)
    }
    assert.equal(seen.size, own.vendors['openrouter']!.length)
    const [entry] = (await rig.call('GET', '/catalog/entries?search=gpt-5.4&vendor=openai&kind=chat')).body.data
    assert.deepEqual([entry.model, entry.knowledge_cutoff, entry.price.prices.input, entry.price.conditions.map((each: { service_tier: string }) => each.service_tier).sort()], ['gpt-5.4', '2025-08-31', 2.5e9, ['batch', 'flex', 'priority']])
  })
})

describe('feeds that fail', () => {
  test('too slow, too large, wrong status, endless redirects and no text are told and end in time', async (t) => {
    const url = await serve(t, ({ url: path }, response) => {
      if (path === '/slow') return void response.write('{')
      if (path === '/large') return void response.end(' '.repeat(33 * 1024 * 1024))
      if (path === '/binary') return void response.end(Buffer.from([0xff, 0xfe, 0x00]))
      if (path === '/loop') return void response.writeHead(302, { location: '/loop' }).end()
      if (path === '/cut') return void response.writeHead(200, { 'content-length': '100' }).end('{}', () => response.destroy())
      response.writeHead(path === '/moved' ? 302 : 500, { location: '/ok' }).end()
    })
    for (const [path, why] of [['/slow', /within 0\.5 s/], ['/large', /32 MiB/], ['/binary', /not UTF-8/], ['/loop', /redirects more than 3 times/], ['/gone', /status 500/], ['/cut', /could not be asked|within/]] as const) {
      await assert.rejects(fetchFeed(url + path, { guarded: false, withinMs: path === '/slow' ? 500 : 10_000 }), { name: 'FeedError', message: why }, path)
    }
    await assert.rejects(fetchFeed('http://127.0.0.1:1/', { guarded: false }), { name: 'FeedError', message: /could not be asked for the feed/ })
  })

  test('the schedule asks when it is time, waits longer after each failure, and is off by default', async (t) => {
    let asked = 0
    let text = 'not found'
    const url = await serve(t, (_, response) => response.end((asked++, text)))
    const rig = await rigOf(t, { config: `catalog: { url: "${url}", every_hours: 6 }\n` })
    const { schedule, keeper, database } = rig.control.services
    await schedule.look()
    await schedule.look()
    assert.deepEqual([asked, (await catalogState(database)).failures, keeper.health.failures], [1, 1, 1])
    assert.ok(rig.logged.some((line) => line.includes('changed nothing: The feed is not JSON')))
    rig.clock.advance(5 * 60_000 + 1)
    text = changed(priced({ 'openai/gpt-5.1': 2, 'openai/gpt-4.1': 9 }))
    await schedule.look()
    assert.deepEqual([asked, keeper.health.failures, keeper.health.held, inputOf(rig, 'openai', 'gpt-5.1')], [2, 0, 1, 2.5e9])
    assert.ok(rig.logged.some((line) => line.includes('1 changes of the catalogue are held back')))
    rig.clock.advance(6 * 3_600_000 - 60_000)
    await schedule.look()
    assert.equal(asked, 2)
    await until(() => { const beat = rig.posts.findLast((each) => each.kind === 'heartbeat'); return beat?.kind === 'heartbeat' && beat.catalog.held === 1 }, 'the data plane knows for its metrics')
    assert.deepEqual([1, 2, 3, 30].map((failures) => pauseMs(6, failures) / 60_000), [5, 10, 20, 360])
    const quiet = await rigOf(t)
    await quiet.control.services.schedule.look()
    assert.equal((await catalogState(quiet.control.services.database)).checkedAt, null)
  })
})

describe('what a start finds', () => {
  const directory = (t: TestContext): string => {
    const path = mkdtempSync(join(tmpdir(), 'megarouter-catalog-'))
    t.after(() => rmSync(path, { recursive: true, force: true }))
    return path
  }
  const takeOver = async (rig: Rig, text: string) => {
    const outcome = await update(rig.control.services.keeper.updating, text, { source: 'a file', by: 'a test' })
    await rig.control.services.publisher.refresh()
    return outcome
  }

  test('the last good catalogue, before the first snapshot; and when that is damaged the one before it, loudly', async (t) => {
    const folder = directory(t)
    const first = await startRig({ directory: folder, config: '{}\n' })
    await takeOver(first, changed(priced({ 'openai/gpt-5.1': 1.5 })))
    await takeOver(first, changed(priced({ 'openai/gpt-5.1': 2 })))
    await first.stop()
    const second = await startRig({ directory: folder })
    assert.equal(inputOf(second, 'openai', 'gpt-5.1'), 2.5e9)
    assert.ok(second.posts.findIndex((each) => each.kind === 'catalog') < second.posts.findIndex((each) => each.kind === 'snapshot'))
    await second.control.services.database.kysely.updateTable('catalog_version').set({ artefact: Buffer.from('damaged') }).where('number', '=', 3).execute()
    await second.stop()
    const third = await startRig({ directory: folder })
    assert.equal(inputOf(third, 'openai', 'gpt-5.1'), 1.875e9)
    assert.ok(third.logged.some((line) => line.includes('a stored catalogue is damaged')))
    assert.match((await third.call('GET', '/status')).body.problems.join(), /stored catalogue 3 is damaged/)
    await third.control.services.database.kysely.updateTable('catalog_version').set({ artefact: Buffer.from('damaged') }).where('number', '=', 2).execute()
    await third.stop()
    const fourth = await rigOf(t, { directory: folder })
    assert.equal(inputOf(fourth, 'openai', 'gpt-5.1'), 1.25e9)
  })

  test('a release with a newer catalogue takes over, but not from a price that a person approved', async (t) => {
    const folder = directory(t)
    const rig = await rigOf(t, { directory: folder, config: '{}\n' })
    const { keeper, database, clock } = rig.control.services
    const { held } = await takeOver(rig, changed(priced({ 'openai/gpt-5.1': 2, 'openai/gpt-4.1': 3 }), '2027-01-01'))
    assert.equal(held.length, 1)
    await rig.call('POST', '/catalog/changes/approve', { body: { version: keeper.artefact.version } })
    const { adoptBuiltIn } = await import('../../src/control/catalog/in-force.ts')
    const release = (date: string): Artefact => versioned({ ...own, date })
    const updating = { ...keeper.updating, database, clock }
    assert.equal((await adoptBuiltIn({ ...updating, builtIn: release('2026-12-31') })).record, null, 'an older one does not')
    const { record } = await adoptBuiltIn({ ...updating, builtIn: release('2027-06-01') })
    assert.equal(record!.origin, 'built-in')
    await rig.control.services.publisher.refresh()
    assert.deepEqual([inputOf(rig, 'openai', 'gpt-5.1'), inputOf(rig, 'openai', 'gpt-4.1')], [1.25e9, 6e9])
    assert.deepEqual((await rig.call('GET', '/catalog/changes')).body.data.map((each: { model: string; reason: string }) => [each.model, each.reason]), [['gpt-4.1', 'a person approved the price that it has']])
  })

  test('what another process puts in force arrives within a poll', async (t) => {
    const rig = await rigOf(t)
    await update(rig.control.services.keeper.updating, changed(priced({ 'openai/gpt-5.1': 2 })), { source: 'a file', by: 'the command line' })
    await until(() => handed(rig).length === 2 && inputOf(rig, 'openai', 'gpt-5.1') === 2.5e9, 'the catalogue is handed on')
  })
})

test('the operator\'s prices win over the catalogue, arrive with the file, and what matches nothing is told', async (t) => {
  const rig = await rigOf(t, { config: 'catalog:\n  overrides:\n    - { vendor: openai, model: gpt-5.1, price: { input: 0.75, output: 6 } }\n    - { vendor: "*", model: "claude-opus-4-8", discount_percent: 10 }\n    - { vendor: opnai, model: "*", context_tokens: 5 }\n' })
  assert.deepEqual([inputOf(rig, 'openai', 'gpt-5.1'), inputOf(rig, 'anthropic', 'claude-opus-4-8')], [0.75e9, 4.5e9])
  assert.match((await rig.call('GET', '/status')).body.problems.join(), /override for opnai\/\* matches no model/)
  assert.match(rowsHanded(rig, 'openai').find((row) => row.id === 'gpt-5.1')!.priceVersion!, /^file-/)
  await update(rig.control.services.keeper.updating, changed(priced({ 'openai/gpt-5.1': 2 })), { source: 'a file', by: 'a test' })
  await rig.control.services.publisher.refresh()
  assert.equal(inputOf(rig, 'openai', 'gpt-5.1'), 0.75e9)
  writeFileSync(rig.configFile, 'catalog: { overrides: [] }\n')
  await until(() => inputOf(rig, 'openai', 'gpt-5.1') === 2.5e9, 'the override is gone')
})

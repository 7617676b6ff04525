import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { ContentStore } from '../../src/store/content.ts'
import { transaction } from '../../src/store/database.ts'
import { createKey, revokeKey } from '../../src/store/keys.ts'
import { findRequest, listRequests, requestsAfter } from '../../src/store/requests.ts'
import { isTransient, RecordStore } from '../../src/store/save.ts'
import { keyActivity, providerActivity, usageReport, type UsageQuery } from '../../src/store/usage.ts'
import { ensureOrganisation } from '../../src/store/users.ts'
import { attempt, fallback, record, refusal, traffic } from './fixtures.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'

const hour = 3_600_000_000
const at = 1_780_000_000_000_000

onBothDatabases((open) => {
  let store: TestDatabase
  let records: RecordStore
  const report = (more: Partial<UsageQuery> = {}) =>
    usageReport(store.database, { org: 'org_a', from: at - 24 * hour, to: at + 24 * hour, groupBy: 'none', bucket: 'none', timeZone: 'UTC', now: at + 48 * hour, ...more })

  beforeEach(async () => {
    store = await open()
    records = new RecordStore(store.database, new ContentStore(store.database, { id: Buffer.from('kek1'), key: randomBytes(32) }), assert.ifError)
  })
  afterEach(() => store.close())

  test('a request is read back as it was recorded', async () => {
    const original = fallback({ session: 'chat-1', tags: ['b', 'a', 'b'], traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', clientRequestId: 'mine', cache: 'miss', decision: 'd1', task: 'coding' })
    await records.save([original])
    const found = (await findRequest(store.database, 'org_a', original.id))!
    assert.deepEqual(found.attemptList.map(({ flags: _flags, ...rest }) => rest), original.attempts.map(({ flags: _flags, credential: _credential, ...rest }) => rest))
    assert.deepEqual(found.steps.map(({ us }) => us), original.steps)
    const same = ['at', 'endpoint', 'stream', 'status', 'outcome', 'errorCode', 'modelAsked', 'route', 'firstTokenUs', 'totalUs', 'overheadUs', 'session', 'client', 'clientAddress', 'clientRequestId', 'traceparent', 'requestBytes', 'responseBytes', 'cache', 'decision', 'task'] as const
    assert.deepEqual(Object.fromEntries(same.map((name) => [name, found[name]])), Object.fromEntries(same.map((name) => [name, original[name]])))
    assert.deepEqual([found.tags, found.attempts, found.inputTokens, found.outputTokens, found.costNano], [['a', 'b'], 2, 5_296, 478, 5_012_750])
    assert.equal(await findRequest(store.database, 'org_b', original.id), null)
    assert.equal(await findRequest(store.database, 'org_a', 'req_nonsense'), null)
  })

  test('every usage class, flag and outcome survives storage', async () => {
    const usage = { input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 6, audioIn: 7, audioOut: 8, imageIn: 9, imageOut: 10, toolCalls: 11, requests: 12, images: 13, audioMs: 14, characters: 15, searches: 16 }
    const original = record({ outcome: 'cancelled', status: 499, attempts: [attempt({ usage, flags: 31, outcome: 'drained' })] })
    await records.save([original])
    const found = (await findRequest(store.database, 'org_a', original.id))!
    assert.deepEqual([found.attemptList[0]!.usage, found.attemptList[0]!.flags, found.attemptList[0]!.outcome, found.outcome],
      [usage, ['estimated', 'uncertain', 'unpriced', 'anomalous', 'simulated'], 'drained', 'cancelled'])
  })

  test('saving the same records again changes nothing', async () => {
    const batch = [record(), fallback(), refusal()]
    await records.save(batch)
    const before = await report()
    await records.save(batch)
    await records.save([...batch, record()])
    const after = await report()
    assert.deepEqual([before.totals.requests, after.totals.requests], [3, 4])
    assert.equal(after.totals.costNano, before.totals.costNano + 5_012_750)
  })

  test('a refusal counts as a request and never as an attempt or a cost', async () => {
    await records.save([refusal(), refusal({ status: 401, errorCode: 'invalid_api_key', key: null, attempts: [] })])
    const { totals } = await report()
    assert.deepEqual([totals.requests, totals.refused, totals.attempts, totals.costNano, totals.failed], [2, 2, 0, 0, 0])
  })

  test('a failed attempt counts for its own vendor, the request for the vendor that answered', async () => {
    await records.save([fallback(), record({ outcome: 'cancelled', status: 499 }), record({ outcome: 'failed', status: 502 }), record({ outcome: 'broken' })])
    const { totals, groups } = await report({ groupBy: 'vendor' })
    assert.deepEqual([totals.requests, totals.succeeded, totals.cancelled, totals.failed, totals.attempts], [4, 1, 1, 2, 5])
    assert.deepEqual(groups.map(({ group, requests, attempts }) => [group, requests, attempts]), [['openai', 4, 4], ['groq', 0, 1]])
    const status = await report({ groupBy: 'status' })
    assert.deepEqual(status.groups.map(({ group, requests }) => [group, requests]).sort(), [['200', 2], ['499', 1], ['502', 1]])
    const activity = await providerActivity(store.database, 'org_a', at - hour)
    assert.deepEqual(activity.get('groq'), { attempts: 1, failures: 1, lastSuccessAt: null })
    assert.deepEqual(activity.get('openai'), { attempts: 4, failures: 0, lastSuccessAt: at })
  })

  test('sums of any grouping and bucketing are the sums of the records', async () => {
    const batch = traffic(600, 7, at - 20 * hour, hour / 20)
    await records.save(batch)
    const cost = batch.reduce((sum, { attempts }) => sum + attempts.reduce((part, one) => part + one.costNano, 0), 0)
    const input = batch.reduce((sum, { attempts }) => sum + attempts.reduce((part, { usage }) => part + usage.input + usage.cacheRead, 0), 0)
    for (const groupBy of ['none', 'key', 'model', 'vendor', 'deployment', 'status', 'endpoint'] as const) {
      for (const bucket of ['none', 'hour', 'day'] as const) {
        const { totals, groups, series } = await report({ groupBy, bucket, timeZone: 'Asia/Kathmandu' })
        assert.deepEqual([totals.requests, totals.costNano, totals.inputTokens], [600, cost, input])
        if (groupBy !== 'none') assert.equal(groups.reduce((sum, group) => sum + group.costNano, 0), cost)
        if (bucket !== 'none') assert.equal(series.reduce((sum, point) => sum + point.costNano, 0), cost)
      }
    }
  })

  test('percentiles are the exact nearest ranks of dispatched requests, and null for few', async () => {
    const batch = traffic(200, 3, at, 1_000)
    await records.save(batch)
    const times = batch.filter(({ attempts }) => attempts.length > 0).map(({ totalUs }) => totalUs).sort((a, b) => a - b)
    const { totals, sampled } = await report()
    assert.deepEqual([totals.p50TotalUs, totals.p95TotalUs, sampled], [times[Math.ceil(times.length * 0.5) - 1], times[Math.ceil(times.length * 0.95) - 1], false])
    await records.save([record({ org: 'org_b' })])
    assert.equal((await report({ org: 'org_b' })).totals.p50TotalUs, null)
  })

  test('beyond the exact limit percentiles come from a sample and say so, while sums stay exact', async () => {
    const batch = traffic(1_000, 4, at, 1_000)
    await records.save(batch)
    const query = { org: 'org_a', from: at, to: at + hour, groupBy: 'none', bucket: 'none', timeZone: 'UTC', now: at + hour } as const
    const [exact, sampled] = [await usageReport(store.database, query), await usageReport(store.database, query, 400)]
    assert.deepEqual([exact.sampled, sampled.sampled, sampled.totals.requests, sampled.totals.costNano], [false, true, 1_000, exact.totals.costNano])
    assert.ok(batch.some(({ totalUs }) => totalUs === sampled.totals.p50TotalUs))
    assert.notEqual(sampled.totals.p95TotalUs, exact.totals.p95TotalUs)
  })

  test('days are local days, also when the clock changes', async () => {
    // 2026-03-29 has 23 hours in Berlin.
    const from = Date.UTC(2026, 2, 27, 23) * 1000
    const to = Date.UTC(2026, 2, 30, 22) * 1000
    await records.save([record({ at: Date.UTC(2026, 2, 28, 22, 59) * 1000 }), record({ at: Date.UTC(2026, 2, 28, 23) * 1000 }), record({ at: Date.UTC(2026, 2, 29, 21, 59) * 1000 }), record({ at: Date.UTC(2026, 2, 29, 22) * 1000 })])
    const { series } = await report({ from, to, bucket: 'day', timeZone: 'Europe/Berlin', now: Date.UTC(2026, 2, 30, 12) * 1000 })
    assert.deepEqual(series.map(({ at, requests, partial }) => [new Date(at / 1000).toISOString(), requests, partial]), [
      ['2026-03-27T23:00:00.000Z', 1, false], ['2026-03-28T23:00:00.000Z', 2, false], ['2026-03-29T22:00:00.000Z', 1, true],
    ])
    await assert.rejects(report({ from: at - 2_000 * hour, bucket: 'hour' }), /bucket=day/)
  })

  test('a report never mixes organisations', async () => {
    await records.save([record(), record({ org: 'org_b', key: 'key_b' })])
    assert.equal((await report()).totals.requests, 1)
    assert.equal((await report({ org: 'org_unknown' })).totals.requests, 0)
    assert.equal((await listRequests(store.database, 'org_b', {}, { limit: 10 })).data.length, 1)
    assert.equal((await providerActivity(store.database, 'org_b', 0)).get('openai')!.attempts, 1)
  })

  test('a revoked key keeps its name in reports and lists', async () => {
    await transaction(store.database, at, async (write) => {
      const { id: org } = await ensureOrganisation(write, randomBytes(16))
      await createKey(write, { id: 'key_a', org, name: 'CI pipeline', prefix: 'mr-abc', last4: 'wxyz', hash: randomBytes(32), pepperVersion: 1 })
      await revokeKey(write, org, 'key_a')
    })
    await records.save([record()])
    assert.deepEqual((await report({ groupBy: 'key' })).groups.map(({ group, label, deleted }) => [group, label, deleted]), [['key_a', 'CI pipeline', true]])
    assert.deepEqual((await listRequests(store.database, 'org_a', {}, { limit: 1 })).data[0]!.key, { id: 'key_a', name: 'CI pipeline' })
  })

  test('what a key spent is exact from the start of its period', async () => {
    await records.save([record({ at }), record({ at: at + 1 }), record({ at: at + 2, key: 'key_b' }), refusal({ at: at + 9 })])
    assert.deepEqual(await keyActivity(store.database, ['key_a', 'key_c'], at + 1), new Map([['key_a', { requests: 2, costNano: 5_012_750, lastUsedAt: at + 9 }]]))
  })

  test('pages of requests are newest first, complete and without repetition', async () => {
    const batch = traffic(57, 5, at, 0)
    await records.save(batch)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof listRequests>> = await listRequests(store.database, 'org_a', {}, { limit: 10, cursor })
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    assert.deepEqual(seen, batch.map(({ id }) => id).sort().reverse())
  })

  test('each filter of the request list selects exactly what it names', async () => {
    const cheap = record({ at: at + 1, key: 'key_b', modelAsked: '100%_done', attempts: [attempt({ costNano: 10, vendor: 'groq', model: 'llama' })] })
    const refused = refusal({ at: at + 2 })
    const plain = record({ at: at + 3, errorText: 'Something Broke' })
    await records.save([cheap, refused, plain])
    const list = async (filters: Parameters<typeof listRequests>[2]) => (await listRequests(store.database, 'org_a', filters, { limit: 10 })).data.map(({ id }) => id)
    assert.deepEqual(await list({}), [plain.id, refused.id, cheap.id])
    assert.deepEqual(await list({ key: 'key_b' }), [cheap.id])
    assert.deepEqual(await list({ vendor: 'groq', model: 'llama' }), [cheap.id])
    assert.deepEqual(await list({ vendor: 'nobody' }), [])
    assert.deepEqual(await list({ status: 402 }), [refused.id])
    assert.deepEqual(await list({ outcome: 'success' }), [plain.id, cheap.id])
    assert.deepEqual(await list({ minCostNano: 11 }), [plain.id])
    assert.deepEqual(await list({ from: at + 2, to: at + 3 }), [refused.id])
    assert.deepEqual(await list({ search: 'something br' }), [plain.id])
    assert.deepEqual(await list({ search: '%_d' }), [cheap.id])
    assert.deepEqual(await list({ search: cheap.id }), [cheap.id])
    assert.deepEqual(await list({ search: "'; drop table usage; --" }), [])
  })

  test('the live view sees each request once, in the order of writing', async () => {
    await records.save([record({ at: at + 5 })])
    const start = await requestsAfter(store.database, 'org_a', null, 100)
    const late = [record({ at: at + 9 }), record({ at })]
    for (const one of late) await records.save([one])
    const { seq, data } = await requestsAfter(store.database, 'org_a', start.seq, 100)
    assert.deepEqual(data.map(({ request }) => request.id), late.map(({ id }) => id))
    assert.deepEqual((await requestsAfter(store.database, 'org_a', seq, 100)).data, [])
  })

  test('a label with U+0000 does not cost the record', async () => {
    const original = record({ session: 'a\0b', clientRequestId: '\0', modelAsked: 'x\0' })
    await records.save([original])
    assert.equal((await findRequest(store.database, 'org_a', original.id))!.session, 'ab')
  })

  test('an amount that is no exact integer is refused and not called transient', async () => {
    for (const costNano of [Number.NaN, 2 ** 53, Infinity]) {
      await assert.rejects(records.save([record({ attempts: [attempt({ costNano })] })]), (error: unknown) => {
        assert.ok(error instanceof RangeError)
        return !isTransient(error)
      })
    }
    assert.equal((await report()).totals.requests, 0)
  })

  test('a typical usage row takes less than 300 bytes, indexes apart and together', async (t) => {
    const count = 20_000
    for (let start = 0; start < count; start += 2_000) await records.save(traffic(2_000, start, at + start * 50_000, 50_000))
    const { kysely, kind } = store.database
    const bytes = async (query: string): Promise<number> => {
      const { rows: [row] } = await sql<{ bytes: number }>`${sql.raw(query)}`.execute(kysely)
      return row!.bytes
    }
    const row = kind === 'sqlite'
      ? await bytes("select sum(pgsize) / (select count(*) from usage) as bytes from dbstat where name = 'usage'")
      : await bytes('select cast(avg(pg_column_size(usage.*)) as bigint) as bytes from usage')
    const whole = kind === 'sqlite'
      ? await bytes("select sum(pgsize) / (select count(*) from usage) as bytes from dbstat where name like 'usage%'")
      : await bytes("select pg_total_relation_size('usage') / (select count(*) from usage) as bytes")
    assert.ok(row < 200, `a row takes ${row} bytes`)
    assert.ok(whole < (kind === 'sqlite' ? 300 : 400), `with its indexes ${whole} bytes`)
    t.diagnostic(`${kind}: ${row} bytes a usage row, ${whole} with its indexes`)
  })

  test('the sums of a key and of an organisation read an index and not the table', async () => {
    await records.save(traffic(3_000, 1, at, 1_000_000))
    const { kysely, kind } = store.database
    const plan = async (query: string): Promise<string> => {
      const { rows } = await sql<Record<string, unknown>>`${sql.raw(`${kind === 'sqlite' ? 'explain query plan' : 'explain'} ${query}`)}`.execute(kysely)
      return JSON.stringify(rows)
    }
    if (kind === 'postgres') await sql`vacuum analyze usage`.execute(kysely)
    assert.match(await plan(`select sum(cost_nano) from usage where key_id = 3 and at >= ${at + 2_900_000_000}`), /usage_key_at/)
    assert.match(await plan(`select sum(cost_nano) from usage where org = 1 and at >= ${at + 2_990_000_000} and at < ${at + 2_999_000_000}`), /usage_org_at/)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sql, type KyselyPlugin } from 'kysely'
import type { Logged, TerminalRecord } from '../../src/ledger/records.ts'
import { ContentStore } from '../../src/store/content.ts'
import { ResponseStore } from '../../src/store/stored-responses.ts'
import type { Database } from '../../src/store/database.ts'
import { decodeId } from '../../src/store/ids.ts'
import { applyTerminals, findRepeat, forgetDimensions, newestCharge, position, settledAt, settledBetween, settledByQuarter, totals } from '../../src/store/ledger.ts'
import { terminalOutcomes } from '../../src/store/ledger-entries.ts'
import { verifyLedger } from '../../src/store/ledger-verify.ts'
import { attemptOutcomes } from '../../src/store/records.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { onBothDatabases } from './databases.ts'
import { anyTerminals, expectedBalances, logged, requestId, startMs, sumOf, target, tenant, terminal } from './ledger-fixtures.ts'

const quarterMs = 900_000
const dayMs = 86_400_000

/** Everything that the ledger holds of a node and its sums, to compare states. */
async function stateOf({ kysely }: Database): Promise<unknown> {
  const rows = async (table: string, order: string): Promise<unknown[]> => (await sql`select * from ${sql.table(table)} order by ${sql.raw(order)}`.execute(kysely)).rows
  return structuredClone([
    await rows('ledger_entry', 'node, lsn, kind'), await rows('ledger_batch', 'node, number'), await rows('ledger_position', 'node'),
    (await sql`select entity, quarter, cast(settled_nano as text) as nano, attempts from account_balance order by entity, quarter`.execute(kysely)).rows,
    (await sql`select org, kind, outcome, flags, entries, cast(amount_nano as text) as nano from ledger_total order by 1, 2, 3, 4`.execute(kysely)).rows,
    await rows('repeat_mark', 'key_digest'),
  ])
}

/** The database as it is for a process that dies when it writes to `table`. */
function dying(database: Database, table: 'ledger_batch' | 'ledger_position'): Database {
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (node.kind === 'InsertQueryNode' && node.into?.table.identifier.name === table) throw new Error('killed')
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { ...database, kysely: database.kysely.withPlugin(plugin) }
}

/** From now on the database takes everything but the entry of this record. */
async function refusing({ kind, kysely }: Database, { requestId }: TerminalRecord): Promise<void> {
  const name = `refuse_${requestId}`
  const id = Buffer.from(decodeId('req', requestId)!).toString('hex')
  if (kind === 'sqlite') {
    // SQLite adds no constraint to a table.
    await sql.raw(`create trigger ${name} before insert on ledger_entry when new.request_id = x'${id}' begin insert into ledger_entry (node) values (null); end`).execute(kysely)
  } else await sql.raw(`alter table ledger_entry add constraint ${name} check (request_id <> '\\x${id}')`).execute(kysely)
}

async function assertFolded(database: Database, records: readonly TerminalRecord[], org: string): Promise<void> {
  const { rows } = await sql<{ entity: string; quarter: number; nano: string }>`select entity, quarter, cast(settled_nano as text) as nano from account_balance where entity like ${`%:${org}%`}`.execute(database.kysely)
  const found = rows.map(({ entity, quarter, nano }) => `${entity} ${quarter} ${nano}`).sort()
  assert.deepEqual(found, [...expectedBalances(records)].filter(([name]) => !name.startsWith('overhead')).map(([name, nano]) => `${name} ${nano}`).sort())
  const sums = await totals(database, { org })
  assert.deepEqual([sums.settledNano, sums.overheadNano], [sumOf(records, 'tenantNano'), sumOf(records, 'overheadNano')])
  assert.equal(sums.entries, records.length + records.filter(({ overheadNano }) => overheadNano > 0).length)
  assert.equal(Object.values(sums.outcomes).reduce((sum, { count }) => sum + count, 0), records.length)
}

test('how an attempt can end is stored in an order that never changes', () => {
  assert.deepEqual(terminalOutcomes.slice(0, 10), ['success', 'connect_failed', 'upstream_error', 'timeout', 'truncated', 'broken', 'cancelled', 'drained', 'crashed', 'expired'])
  for (const outcome of attemptOutcomes) assert.ok((terminalOutcomes as readonly string[]).includes(outcome), `append ${outcome} to terminalOutcomes`)
})

onBothDatabases((open) => {
  const story = (name: string, work: (database: Database) => Promise<void>): void => void test(name, async () => {
    const fresh = await open()
    try {
      await work(fresh.database)
    } finally {
      await fresh.close()
    }
  })

  test('a commit is confirmed when it is on the disk, whatever the server is set to', async () => {
    const fresh = await open()
    try {
      const { kind, kysely, sqlite } = fresh.database
      if (kind === 'sqlite') return assert.equal(sqlite!.pragma('synchronous', { simple: true }), 2n)
      for (const [set, found] of [['off', 'on'], ['local', 'on'], ['remote_apply', 'remote_apply']] as const) {
        await sql.raw(`alter role postgres set synchronous_commit = ${set}`).execute(kysely)
        const { rows } = await sql`show synchronous_commit`.execute((await fresh.again()).kysely)
        assert.deepEqual(rows, [{ synchronous_commit: found }], set)
      }
      await sql`alter role postgres reset synchronous_commit`.execute(kysely)
    } finally {
      await fresh.close()
    }
  })

  story('an attempt counts once for every team, project, account, user, model, vendor and mark, of its organisation alone, and is told by quarters of an hour', async (database) => {
    const at = startMs - startMs % quarterMs
    const whom = tenant({ org: 'org_q', key: 'key_q', user: 'usr_q', serviceAccount: 'sa_q', path: ['team:q', 'project:q', 'team:q'] })
    const marks = ['tag:org_q/prod', 'tag:org_q/prod', 'end_user:org_q/7']
    const records = [
      terminal({ tenant: whom, marks, heldAt: at, tenantNano: 5 }), terminal({ tenant: whom, heldAt: at + quarterMs - 1, tenantNano: 7 }), terminal({ tenant: whom, marks, heldAt: at + quarterMs, tenantNano: 11 }),
      terminal({ tenant: tenant({ org: 'org_r', key: 'key_r' }), tenantNano: 100 }),
    ]
    await applyTerminals(database, 'q', logged(records), 20)
    for (const entity of ['org:org_q', 'key:key_q', 'user:usr_q', 'service_account:sa_q', 'team:q', 'project:q', 'model:org_q/gpt-5.1', 'vendor:org_q/openai']) {
      assert.deepEqual(await settledByQuarter(database, 'q', entity, at), { quarters: [{ startMs: at, nano: 12 }, { startMs: at + quarterMs, nano: 11 }], lsn: 20 }, entity)
    }
    for (const entity of marks) assert.deepEqual((await settledByQuarter(database, 'q', entity, 0)).quarters, [{ startMs: at, nano: 5 }, { startMs: at + quarterMs, nano: 11 }], entity)
    assert.deepEqual(await settledByQuarter(database, 'q', 'team:q', at + 1), { quarters: [{ startMs: at + quarterMs, nano: 11 }], lsn: 20 })
    assert.deepEqual(await settledByQuarter(database, 'unknown', 'team:none', 0), { quarters: [], lsn: 0 })
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('P3: any prefixes, repetitions, overlaps and deaths in the middle give the ledger that one application gives', async (database) => {
    let run = 0
    const windows = fc.array(fc.record({ back: fc.nat(6), size: fc.nat(12), dies: fc.constantFrom(null, null, 'ledger_batch' as const, 'ledger_position' as const) }), { maxLength: 12 })
    await fc.assert(fc.asyncProperty(anyTerminals('org_drawn'), windows, async (drawn, steps) => {
      const org = `org${++run}`
      const node = `node${run}`
      const renamed = JSON.parse(JSON.stringify(drawn).replaceAll('org_drawn', org)) as TerminalRecord[]
      const records = renamed.map((record) => ({ ...record, requestId: requestId() }))
      const all = logged(records)
      const end = 3 * records.length + 2
      for (const { back, size, dies } of [...steps, { back: 100, size: 100, dies: null }]) {
        const { appliedLsn } = await position(database, node)
        const from = Math.max(0, appliedLsn - 3 * back)
        const upto = Math.min(end, appliedLsn + 2 * size)
        const batch = all.filter(({ lsn }) => lsn > from && lsn <= upto)
        if (dies === null) assert.equal((await applyTerminals(database, node, batch, upto)).appliedLsn, Math.max(appliedLsn, upto))
        else if (upto > appliedLsn) await assert.rejects(applyTerminals(dying(database, dies), node, batch, upto), /killed/)
      }
      assert.equal((await position(database, node)).appliedLsn, end)
      const { rows } = await sql<{ lsn: number; kind: number; nano: string }>`select lsn, kind, cast(amount_nano as text) as nano from ledger_entry
        where node = (select id from dimension where kind = 'node' and value = ${node}) order by lsn, kind`.execute(database.kysely)
      assert.deepEqual(rows.map(({ lsn, kind, nano }) => [lsn, kind, nano]), all.flatMap(({ lsn, record }) => [
        [lsn, record.kind === 'settle' ? 0 : 1, String(record.tenantNano)], ...(record.overheadNano > 0 ? [[lsn, 2, String(record.overheadNano)]] : []),
      ]))
      await assertFolded(database, records, org)
    }), { numRuns: database.kind === 'sqlite' ? 2_500 : 25 })
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('P4, P5, P13: every entry is a transfer of an amount that is not negative, and balances are the sum of the entries', async (database) => {
    let lsn = 0
    const applied: TerminalRecord[] = []
    await fc.assert(fc.asyncProperty(anyTerminals('o'), async (drawn) => {
      const records = drawn.map((record) => ({ ...record, requestId: requestId() }))
      await applyTerminals(database, 'n', logged(records, lsn), lsn + 3 * records.length + 1)
      lsn += 3 * records.length + 1
      applied.push(...records)
      await assertFolded(database, applied, 'o')
      const { rows: [row] } = await sql<{ nano: string; low: string }>`select cast(coalesce(sum(cast(settled_nano as ${sql.raw(database.kind === 'sqlite' ? 'integer' : 'numeric')})), 0) as text) as nano,
        cast(coalesce((select min(amount_nano) from ledger_entry), 0) as text) as low from account_balance where entity = 'overhead'`.execute(database.kysely)
      assert.deepEqual([BigInt(row!.nano), BigInt(row!.low) >= 0n], [sumOf(applied, 'overheadNano'), true])
    }), { numRuns: database.kind === 'sqlite' ? 1_000 : 20 })
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('an attempt ends once: a second end under another LSN is told, counted and passed over, and the rest is applied', async (database) => {
    const [first, second, third] = [terminal(), terminal(), terminal()]
    await applyTerminals(database, 'n', logged([first]), 3)
    const again: Logged<TerminalRecord>[] = [
      { lsn: 6, record: { ...first, tenantNano: 7 } }, { lsn: 9, record: second }, { lsn: 12, record: { ...second, kind: 'void', tenantNano: 0 } },
      { lsn: 15, record: { ...first, attempt: 2 } }, { lsn: 18, record: third },
    ]
    const applied = await applyTerminals(database, 'n', again, 20)
    assert.deepEqual(applied.rejected.map(({ lsn, requestId, attempt }) => [lsn, requestId, attempt]), [[6, first.requestId, 1], [12, second.requestId, 1]])
    assert.deepEqual([applied.appliedLsn, applied.entries], [20, 3])
    assert.deepEqual([(await position(database, 'n')).rejected, (await totals(database)).settledNano], [2, 4n * 5_012_750n])
    await applyTerminals(database, 'another node', logged([first]), 3)
    assert.equal((await position(database, 'another node')).rejected, 1)
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('a record that cannot be true is told, counted and passed over', async (database) => {
    const wrong: Partial<TerminalRecord>[] = [
      { tenantNano: -1 }, { tenantNano: NaN }, { tenantNano: 0.5 }, { overheadNano: -1 }, { overheadNano: Infinity }, { kind: 'void', tenantNano: 5 }, { requestId: 'req_none' },
      { attempt: -1 }, { heldAt: NaN }, { flags: -1 }, { outcome: 'lost' as 'success' }, { usage: { ...terminal().usage, input: -1 } },
    ]
    const batch = logged([...wrong.map((part) => terminal(part)), terminal()])
    const { rejected, entries } = await applyTerminals(database, 'n', batch, 100)
    assert.deepEqual([rejected.length, entries, (await position(database, 'n')).rejected], [wrong.length, 1, wrong.length])
    for (const { reason } of rejected) assert.ok(reason.length > 10)
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('what the database refuses for good holds up nothing: it is told and counted, and the others are applied', async (database) => {
    const records = Array.from({ length: 9 }, () => terminal())
    const bad = new Set([records[2]!, records[7]!])
    for (const record of bad) await refusing(database, record)
    let at = 0
    const rejected: number[] = []
    for (let call = 0; at < 27; call++) {
      assert.ok(call < 30)
      const applied = await applyTerminals(database, 'n', logged(records).filter(({ lsn }) => lsn > at), 27, at)
      assert.ok(applied.appliedLsn > at)
      at = applied.appliedLsn
      rejected.push(...applied.rejected.map(({ lsn, tenantNano, reason }) => (assert.ok(reason.length > 10 && tenantNano > 0), lsn)))
    }
    assert.deepEqual([rejected, (await position(database, 'n')).rejected, (await totals(database)).settledNano], [[9, 24], 2, 7n * 5_012_750n])
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('a name of any length is applied, cut where the database has room for it', async (database) => {
    const long = Array.from({ length: 8_000 }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join('')
    const { rejected, entries } = await applyTerminals(database, 'n', logged([terminal({ target: target({ model: long, upstreamModel: `x${long}` }), tenant: tenant({ org: `o${long}` }) })]), 3)
    assert.deepEqual([rejected, entries], [[], 1])
    const { rows } = await sql<{ value: string }>`select value from dimension where kind in ('model', 'upstream_model', 'org')`.execute(database.kysely)
    assert.equal(rows.length, 3)
    for (const { value } of rows) assert.ok(Buffer.byteLength(value) <= 1_024 && (long.startsWith(value.replace(/^[xo]/, ''))) && value.length > 300)
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('a position that went back is told and nothing is written; a name that went with it is known again', async (database) => {
    await applyTerminals(database, 'n', logged([terminal()]), 3)
    const before = await stateOf(database)
    assert.deepEqual(await applyTerminals(database, 'n', [{ lsn: 12, record: terminal({ tenant: tenant({ org: 'new' }) }) }], 12, 9), { appliedLsn: 3, entries: 0, rejected: [] })
    assert.deepEqual(await stateOf(database), before)
    await sql`delete from dimension where value = 'new'`.execute(database.kysely)
    forgetDimensions(database)
    assert.equal((await applyTerminals(database, 'n', [{ lsn: 12, record: terminal({ tenant: tenant({ org: 'new' }) }) }], 12, 3)).appliedLsn, 12)
    assert.equal((await totals(database, { org: 'new' })).entries, 1)
  })

  story('a batch out of order is refused before it touches anything', async (database) => {
    const [a, b] = logged([terminal(), terminal()])
    for (const batch of [[b!, a!], [a!, a!]]) await assert.rejects(applyTerminals(database, 'n', batch, 10), RangeError)
    await assert.rejects(applyTerminals(database, 'n', [a!], 2), RangeError)
    assert.equal((await position(database, 'n')).appliedLsn, 0)
  })

  story('two writers of one node apply each record once', async (database) => {
    const batch = logged(Array.from({ length: 40 }, () => terminal()))
    const both = await Promise.allSettled([applyTerminals(database, 'n', batch, 120), applyTerminals(database, 'n', batch, 120)])
    assert.ok(both.some(({ status }) => status === 'fulfilled'))
    await applyTerminals(database, 'n', batch, 120)
    assert.equal((await totals(database)).settledNano, 40n * 5_012_750n)
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('a balance counts the quarters of its period and nothing beyond, with the position that it belongs to', async (database) => {
    const at = startMs - startMs % dayMs
    const times = [at - 1, at, at + quarterMs, at + dayMs - 1, at + dayMs]
    const records = times.map((heldAt, index) => terminal({ heldAt, tenantNano: 10 ** index, overheadNano: 10 ** index * 2, tenant: tenant({ key: index % 2 === 0 ? 'key_a' : 'key_b' }) }))
    await applyTerminals(database, 'n', logged([...records, terminal({ kind: 'void', tenantNano: 0, heldAt: at })]), 21)
    assert.equal(await settledBetween(database, 'org:org_a', at, at + dayMs), 1_110)
    assert.equal(await settledBetween(database, 'key:key_a', at, at + dayMs), 100)
    assert.equal(await settledBetween(database, 'overhead', at, at + dayMs), 2_220)
    assert.equal(await settledBetween(database, 'org:org_a', 0, Infinity), 11_111)
    assert.equal(await settledBetween(database, 'org:nobody', 0, Infinity), 0)
    assert.deepEqual(await settledAt(database, 'n', 'key:key_b', 0, Infinity), { nano: 1_010, lsn: 21 })
    assert.deepEqual(await settledAt(database, 'unknown', 'key:key_b', 0, at), { nano: 0, lsn: 0 })
    assert.equal((await database.kysely.selectFrom('account_balance').select('attempts').where('entity', '=', 'key:key_b').where('quarter', '=', (at + dayMs - quarterMs) * 1000).executeTakeFirstOrThrow()).attempts, 1)
  })

  story('a sum beyond 2^53 stays exact, and is the largest exact number where only a number can carry it', async (database) => {
    const nano = Number.MAX_SAFE_INTEGER
    await applyTerminals(database, 'n', logged([terminal({ tenantNano: nano }), terminal({ tenantNano: nano, overheadNano: nano })]), 6)
    await applyTerminals(database, 'n', logged([terminal({ tenantNano: nano })], 6), 9)
    assert.deepEqual([(await totals(database)).settledNano, (await totals(database, { org: 'org_a' })).overheadNano, (await totals(database, { org: 'org_b' })).settledNano], [3n * BigInt(nano), BigInt(nano), 0n])
    assert.equal(await settledBetween(database, 'org:org_a', 0, Infinity), nano)
    assert.deepEqual(await settledAt(database, 'n', 'org:org_a', 0, Infinity), { nano, lsn: 9 })
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })

  story('totals count attempts by outcome and by each flag', async (database) => {
    await applyTerminals(database, 'n', logged([
      terminal({ flags: 1 | 32, overheadNano: 9 }), terminal({ flags: 1 }), terminal({ kind: 'void', tenantNano: 0, overheadNano: 4, outcome: 'upstream_error' }), terminal({ outcome: 'crashed', flags: 2 | 64, tenantNano: 0 }),
    ]), 12)
    const { outcomes, flags, entries } = await totals(database)
    assert.deepEqual(outcomes, {
      success: { count: 2, settledNano: 10_025_500n, overheadNano: 9n }, upstream_error: { count: 1, settledNano: 0n, overheadNano: 4n }, crashed: { count: 1, settledNano: 0n, overheadNano: 0n },
    })
    assert.deepEqual(flags, { estimated: 2, uncertain: 1, unpriced: 0, anomalous: 0, simulated: 0, overBound: 1, overHold: 1 })
    assert.equal(entries, 6)
  })

  story('an idempotency key is remembered when its request was charged, whatever it cost, and for a day', async (database) => {
    const mark = (byte: number, body = 1) => ({ key: new Uint8Array(16).fill(byte), body: new Uint8Array(16).fill(body) })
    const [paid, free, voided, first, second] = [
      terminal({ repeat: mark(1) }), terminal({ repeat: mark(2), tenantNano: 0 }),
      terminal({ repeat: mark(4), kind: 'void', tenantNano: 0, overheadNano: 5 }), terminal({ repeat: mark(5) }), terminal({ repeat: mark(5, 2), endedAt: startMs + 1_500 + dayMs }),
    ]
    await applyTerminals(database, 'n', logged([paid, free, voided, first, second]), 15)
    const found = async (byte: number) => findRepeat(database, mark(byte).key)
    assert.deepEqual([(await found(1))!.requestId, (await found(2))!.requestId, await found(4)], [paid.requestId, free.requestId, null])
    const newest = (await found(5))!
    assert.deepEqual([newest.requestId, [...newest.body], newest.at], [second.requestId, [...mark(5, 2).body], second.endedAt])
    const content = new ContentStore(database, { id: Buffer.alloc(16), wrap: assert.fail, unwrap: assert.fail } as unknown as ConstructorParameters<typeof ContentStore>[1])
    assert.equal((await applyRetention(database, content, new ResponseStore(database, content), (startMs + 1_500 + dayMs) * 1000)).repeatMarks, 0)
    assert.equal((await applyRetention(database, content, new ResponseStore(database, content), (startMs + 1_501 + dayMs) * 1000)).repeatMarks, 2)
    assert.deepEqual([await found(1), (await found(5))!.requestId], [null, second.requestId])
  })

  story('the latest quarter of an hour with a charge is known, also where a clock ran ahead', async (database) => {
    assert.equal(await newestCharge(database), 0)
    const ahead = startMs + 5 * dayMs
    await applyTerminals(database, 'n', logged([terminal({ heldAt: ahead }), terminal({ heldAt: startMs })]), 6)
    assert.equal(await newestCharge(database), Math.floor(ahead / 900_000) * 900_000 + 900_000)
  })

  story('what dies in its transaction leaves nothing behind', async (database) => {
    await applyTerminals(database, 'n', logged([terminal()]), 3)
    const before = await stateOf(database)
    for (const table of ['ledger_batch', 'ledger_position'] as const) await assert.rejects(applyTerminals(dying(database, table), 'n', logged([terminal({ overheadNano: 3 })], 3), 9), /killed/)
    assert.deepEqual(await stateOf(database), before)
  })

  story('texts that one database cannot hold, and accounts that share a name, cost no record', async (database) => {
    const strange = terminal({ tenant: tenant({ user: 'a\0b', team: '"],[' }), target: target({ model: 'x\u2028\n"' }) })
    assert.deepEqual((await applyTerminals(database, 'n', logged([strange, terminal({ tenant: tenant({ org: 'same', key: 'same', team: 'same' }) })]), 6)).rejected, [])
    assert.deepEqual((await verifyLedger(database)).findings, [])
  })
})

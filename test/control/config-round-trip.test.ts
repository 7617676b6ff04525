/** An instance that was made by hand, exported, and applied to an empty one: equal but for what no file can hold. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RefusedError } from '../../src/control/reconcile/run.ts'
import type { Database } from '../../src/store/database.ts'
import { onBothDatabases, type OpenFresh } from '../store/databases.ts'
import { fill, instance, secretsOf, type Instance } from './config-instance.ts'

const tables = ['node', 'service_account', 'role', 'membership', 'budget', 'rate_limit', 'model_policy', 'alert_channel', 'user_account', 'api_key', 'provider', 'credential', 'alias', 'deployment', 'routing_policy', 'setting', 'catalog_state', 'oidc_provider'] as const
/** Ids, secrets and what follows from them; when and by whom a row was made. Who has logged in is a secret of a kind too. */
const own = new Set(['id', 'org_id', 'hash', 'prefix', 'last4', 'ciphertext', 'secret', 'client_secret', 'password_hash', 'login_hash', 'version', 'revision', 'managed_by', 'created_at', 'updated_at', 'granted_by', 'checked_at'])

/** The rows of all tables in which only what is declared is left; ids are told by the names that they stand for. */
async function rowsOf({ kysely }: Database, org: string): Promise<Record<string, string[]>> {
  const names = new Map<string, string>([[org, 'the organisation']])
  const all: Record<string, Record<string, unknown>[]> = {}
  for (const table of tables) all[table] = await kysely.selectFrom(table as 'node').selectAll().execute() as unknown as Record<string, unknown>[]
  for (const [table, rows] of Object.entries(all)) for (const row of rows) if (typeof row.id === 'string') names.set(row.id, `${table} ${String(row.email ?? row.name ?? row.id)}`)
  const plain = (name: string, value: unknown): unknown => {
    if (typeof value !== 'string') return value
    if (/^[[{]/.test(value)) return lean(JSON.parse(value, (_, each: unknown) => (typeof each === 'string' ? names.get(each) ?? each : each)))
    return name === 'status' && value === 'active' ? 'invited' : names.get(value) ?? value
  }
  return Object.fromEntries(Object.entries(all).map(([table, rows]) => [table, rows
    .filter((row) => (row.deleted_at ?? null) === null && row.source !== 'oidc' && row.vendor !== 'simulated')
    .map((row) => JSON.stringify(Object.entries(row).filter(([name]) => !own.has(name) || (name === 'id' && ['provider', 'deployment', 'oidc_provider'].includes(table))).map(([name, value]) => [name, plain(name, value)]).sort())).sort()]))
}

/** Fields in any order, without those that say nothing. */
const lean = (value: unknown): unknown => Array.isArray(value) ? value.map(lean)
  : typeof value !== 'object' || value === null ? value
    : Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null && !(Array.isArray(each) && each.length === 0)).map(([name, each]) => [name, lean(each)] as const).sort(([a], [b]) => (a < b ? -1 : 1)))

describe('a configuration', () => onBothDatabases((open) => {
  const two = async (open: OpenFresh, work: (a: Instance, b: Instance, texts: string[]) => Promise<void>): Promise<void> => {
    const [first, second] = [await open(), await open()]
    try {
      const a = await instance(first.database, 1)
      await work(a, await instance(second.database, 2), await fill(a))
    } finally {
      await first.close()
      await second.close()
    }
  }

  test('that was exported makes an empty instance equal, row by row, and its export equal byte by byte', () => two(open, async (a, b, texts) => {
    const text = await a.exported()
    await b.apply(text, secretsOf(texts))
    assert.equal(await b.exported(), text)
    assert.deepEqual(await rowsOf(b.database, b.org), await rowsOf(a.database, a.org))
    const hashes = async ({ database }: Instance) => (await database.kysely.selectFrom('api_key').select(['name', 'hash', 'last4']).orderBy('name').execute()).map(({ name, hash, last4 }) => [name, Buffer.from(hash).toString('hex'), last4])
    assert.deepEqual(await hashes(b), await hashes(a), 'keys that were given their texts work as before')
    for (const secret of Object.values(secretsOf(texts))) assert.ok(!text.includes(secret), 'no secret is in the text')
  }))

  test('that was exported changes nothing but the manager where it came from, without any variable, and nothing at all the second time', () => two(open, async (a, _, texts) => {
    const text = await a.exported()
    const before = await rowsOf(a.database, a.org)
    const { changes } = await a.apply(text)
    assert.ok(changes.length > 40)
    for (const { action, before: was, after } of changes) {
      const { managed_by: from, ...rest } = was ?? {}
      const { managed_by: to, ...now } = after ?? {}
      if (now.overrides === undefined) assert.deepEqual([action, from, to, now], ['update', 'api', 'file', rest])
    }
    assert.deepEqual(await rowsOf(a.database, a.org), before)
    assert.deepEqual((await a.differences(text, secretsOf(texts))).changes, [])
    assert.deepEqual((await a.apply(text)).changes, [])
    assert.equal(await a.exported(), text)
  }))

  test('that lacks the secret of something new is refused with its place and the variable to set, and changes nothing', () => two(open, async (a, b, texts) => {
    const text = await a.exported()
    const empty = await rowsOf(b.database, b.org)
    for (const missing of ['CREDENTIAL_GROQ_PRODUCTION', 'KEY_EVERYWHERE', 'ALERT_OPS_SECRET', 'ALERT_MAIL_PASSWORD', 'OIDC_ACME_SECRET']) {
      const { [missing]: _, ...rest } = secretsOf(texts)
      await assert.rejects(b.apply(text, rest), (error) => error instanceof RefusedError && error.errors[0]!.line! > 1 && /variable/i.test(error.message), missing)
      assert.deepEqual(await rowsOf(b.database, b.org), empty)
    }
  }))

  test('that is empty deletes what the file declared, and leaves what was made by hand', () => two(open, async (a, b, texts) => {
    await b.apply(await a.exported(), secretsOf(texts))
    await a.apply('{}')
    assert.equal((await rowsOf(a.database, a.org)).api_key!.length, 3, 'all of a was made by hand')
    await assert.rejects(b.apply('{}'), /last owner/)
    await b.apply('users: { ada@example.org: { roles: [owner] } }')
    const rows = await rowsOf(b.database, b.org)
    for (const table of ['node', 'role', 'service_account', 'budget', 'rate_limit', 'model_policy', 'alert_channel', 'alias', 'deployment', 'routing_policy', 'oidc_provider'] as const) assert.deepEqual(rows[table], [], table)
    assert.deepEqual([rows.user_account!.length, rows.membership!.length, rows.api_key!.filter((row) => !row.includes('revoked')).length], [1, 1, 0])
  }))
}))

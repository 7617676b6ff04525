import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { createAlias, deleteAlias, findAlias, listAliases, updateAlias } from '../../src/store/aliases.ts'
import { changesSince } from '../../src/store/changes.ts'
import { transaction, type Write } from '../../src/store/database.ts'
import { createDeployment, deleteDeployment, findDeployment, updateDeployment } from '../../src/store/deployments.ts'
import { BadCursorError, currentRevision, IdempotencyMismatchError, ManagedElsewhereError, NameTakenError, once, VersionConflictError } from '../../src/store/edits.ts'
import { newId } from '../../src/store/ids.ts'
import { createKey, findKey, listKeys, revokeKey, updateKey, type ApiKey } from '../../src/store/keys.ts'
import { createNode } from '../../src/store/nodes.ts'
import { addCredential, createProvider, deleteProvider, findProvider, listProviders, removeCredential, updateProvider } from '../../src/store/providers.ts'
import { allSettings, findSettings, updateSettings } from '../../src/store/settings.ts'
import * as users from '../../src/store/users.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'

const at = 1_780_000_000_000_000

onBothDatabases((open) => {
  let store: TestDatabase
  let org: string
  const edit = <Result>(work: (write: Write) => Promise<Result>, time = at): Promise<Result> => transaction(store.database, time, work)
  const newKey = (name: string, more: Partial<ApiKey> = {}): Promise<ApiKey> => edit((write) =>
    createKey(write, { id: newId('key', at / 1000, randomBytes(16)), org, name, prefix: 'mr-abc', last4: 'wxyz', hash: randomBytes(32), pepperVersion: 1, ...more }))

  beforeEach(async () => {
    store = await open()
    org = (await edit((write) => users.ensureOrganisation(write, randomBytes(16)))).id
  })
  afterEach(() => store.close())

  test('a key keeps every field of its policy', async () => {
    const policy = {
      models: ['gpt-*', 'fast'], budget: { limitNano: 9_007_199_254_740_991, period: 'month', mode: 'strict' } as const,
      rateLimit: { rpm: 60, tpm: null, concurrency: 4, spendNano: 2_500_000_000 }, expiresAt: at + 5,
    }
    const key = await newKey('ci', policy)
    const found = await findKey(store.database, org, key.id)
    assert.deepEqual({ ...found, hash: Buffer.from(found!.hash) }, { ...key, hash: Buffer.from(key.hash) })
    assert.deepEqual({ models: found!.models, budget: found!.budget, rateLimit: found!.rateLimit, expiresAt: found!.expiresAt }, policy)
  })

  test('another organisation finds neither key nor list', async () => {
    const key = await newKey('ci')
    assert.equal(await findKey(store.database, 'org_other', key.id), null)
    assert.deepEqual((await listKeys(store.database, 'org_other', { limit: 10 })).data, [])
  })

  test('pages of keys are newest first, complete and without repetition', async () => {
    for (let index = 0; index < 7; index++) await edit((write) => createKey(write, { id: newId('key', at / 1000 + index, randomBytes(16)), org, name: `k${index}`, prefix: 'mr-abc', last4: 'wxyz', hash: randomBytes(32), pepperVersion: 1 }))
    const names: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof listKeys>> = await listKeys(store.database, org, { limit: 3, cursor })
      names.push(...page.data.map((key) => key.name))
      cursor = page.nextCursor
    } while (cursor !== null)
    assert.deepEqual(names, ['k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0'])
    await assert.rejects(listKeys(store.database, org, { limit: 3, cursor: '!!' }), BadCursorError)
  })

  test('keys below a node are those at it and at all that is or was below, page by page, also rows of an older version', async () => {
    const node = (id: string, parent: string | null, at = org) => edit((write) => createNode(write, { id, org: at, parent, kind: 'team', name: id, description: '', weight: 1, defaults: null }))
    for (const [id, parent] of [['a', null], ['ab', 'a'], ['abc', 'ab'], ['b', null]] as const) await node(id, parent)
    const made = await Promise.all(['a', 'ab', 'abc', 'b', null].map((place) => newKey(`at ${place}`, { node: place })))
    await store.database.kysely.updateTable('api_key').set({ node_id: null, team_id: 'abc' }).where('id', '=', made[2]!.id).execute()
    await newKey('revoked', { node: 'abc' }).then((key) => edit((write) => revokeKey(write, org, key.id)))
    const moved = await newKey('moved', { node: 'abc' })
    await edit((write) => updateKey(write, org, moved.id, { node: 'b' }))
    await store.database.kysely.updateTable('node').set({ deleted_at: at }).where('id', '=', 'ab').execute()
    const below = async (nodes: string[] | null, filter: object = {}, of = org): Promise<string[]> => {
      const names: string[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Awaited<ReturnType<typeof listKeys>> = await listKeys(store.database, of, { limit: 2, cursor, below: nodes, ...filter })
        assert.ok(page.data.length <= 2)
        names.push(...page.data.map((key) => key.name))
        cursor = page.nextCursor
      }
      return names.sort()
    }
    assert.deepEqual(await below(['a']), ['at a', 'at ab', 'at abc', 'revoked'])
    assert.deepEqual(await below(['a'], { revoked: false }), ['at a', 'at ab', 'at abc'])
    assert.deepEqual(await below(['abc', 'b']), ['at abc', 'at b', 'moved', 'revoked'])
    assert.deepEqual(await below(['a'], { node: 'ab' }), ['at ab'])
    assert.deepEqual([await below([]), await below(['a'], {}, 'org_other')], [[], []])
    assert.equal((await below(null)).length, 7)
  })

  test('an edit with an old version is refused with the current entity', async () => {
    const key = await newKey('ci')
    const updated = await edit((write) => updateKey(write, org, key.id, { name: 'ci2' }, { ifVersion: 1 }))
    assert.equal(updated!.version, 2)
    await assert.rejects(edit((write) => updateKey(write, org, key.id, { name: 'ci3' }, { ifVersion: 1 })), (error: unknown) => {
      assert.ok(error instanceof VersionConflictError)
      assert.equal((error.current as ApiKey).name, 'ci2')
      return true
    })
  })

  test('of concurrent edits of one version exactly one wins', async () => {
    const key = await newKey('ci')
    const other = await store.again()
    const results = await Promise.allSettled([store.database, other, store.database, other].map((database, index) =>
      transaction(database, at, (write) => updateKey(write, org, key.id, { name: `n${index}` }, { ifVersion: 1 }))))
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
    assert.equal((await findKey(store.database, org, key.id))!.version, 2)
  })

  test('a revoked key stays revoked, keeps its name and refuses edits silently', async () => {
    const key = await newKey('ci')
    await edit((write) => revokeKey(write, org, key.id))
    const after = await edit((write) => updateKey(write, org, key.id, { status: 'active' }))
    assert.equal(after!.status, 'revoked')
    assert.equal((await findKey(store.database, org, key.id))!.name, 'ci')
    assert.deepEqual((await listKeys(store.database, org, { limit: 5, status: 'active' })).data, [])
  })

  test('a row of the file is edited by the file only', async () => {
    const key = await newKey('ci', { managedBy: 'file' })
    await assert.rejects(edit((write) => updateKey(write, org, key.id, { name: 'x' })), ManagedElsewhereError)
    assert.equal((await edit((write) => updateKey(write, org, key.id, { name: 'x' }, { by: 'file' })))!.name, 'x')
  })

  test('a repeated create with the same Idempotency-Key makes one key', async () => {
    const request = { scope: 'owner POST /keys', key: 'abc', bodyHash: Buffer.from('h1') }
    const create = () => edit((write) => once(write, request, async () => (await createKey(write, { id: newId('key', at / 1000, randomBytes(16)), org, name: 'ci', prefix: 'mr-abc', last4: 'wxyz', hash: randomBytes(32), pepperVersion: 1 })).id))
    const [first, second] = await Promise.all([create(), create()])
    assert.equal(first.id, second.id)
    assert.deepEqual([first.repeated, second.repeated].sort(), [false, true])
    assert.equal((await listKeys(store.database, org, { limit: 5 })).data.length, 1)
    await assert.rejects(edit((write) => once(write, { ...request, bodyHash: Buffer.from('h2') }, async () => 'x')), IdempotencyMismatchError)
    const nextDay = await edit((write) => once(write, { ...request, bodyHash: Buffer.from('h2') }, async () => 'other'), at + 25 * 3_600_000_000)
    assert.deepEqual(nextDay, { id: 'other', repeated: false })
  })

  test('a provider carries its credentials, and a removed secret is gone from its row', async () => {
    await edit(async (write) => {
      await createProvider(write, { id: 'openai', org, vendor: 'openai', name: 'OpenAI', baseUrl: null })
      await addCredential(write, org, 'openai', { id: 'cred_1', name: 'main', last4: '1234', ciphertext: Buffer.from('sealed') })
      await addCredential(write, org, 'openai', { id: 'cred_2', name: 'env', last4: '', secretRef: 'env:OPENAI_API_KEY', managedBy: 'environment' })
    })
    const provider = (await findProvider(store.database, org, 'openai'))!
    assert.deepEqual(provider.credentials.map(({ id, secretRef }) => [id, secretRef]), [['cred_1', null], ['cred_2', 'env:OPENAI_API_KEY']])
    assert.equal(provider.version, 3)
    await assert.rejects(edit((write) => removeCredential(write, org, 'openai', 'cred_2')), ManagedElsewhereError)
    await edit((write) => removeCredential(write, org, 'openai', 'cred_1', { ifVersion: 3 }))
    const row = await store.database.kysely.selectFrom('credential').selectAll().where('id', '=', 'cred_1').executeTakeFirstOrThrow()
    assert.deepEqual([row.ciphertext, row.name], [null, 'main'])
    assert.equal((await findProvider(store.database, org, 'openai'))!.credentials.length, 1)
  })

  test('a deleted provider disappears from lists, is told to pollers, and its id can be used again', async () => {
    await edit((write) => createProvider(write, { id: 'local', org, vendor: 'vllm', name: 'Local', baseUrl: 'http://127.0.0.1:1' }))
    await assert.rejects(edit((write) => createProvider(write, { id: 'local', org, vendor: 'vllm', name: 'Local', baseUrl: null })), NameTakenError)
    await edit((write) => updateProvider(write, org, 'local', { enabled: false }))
    const before = await currentRevision(store.database)
    await edit((write) => deleteProvider(write, org, 'local'))
    assert.deepEqual((await listProviders(store.database, org, { limit: 5 })).data, [])
    assert.deepEqual((await changesSince(store.database, before)).providers.map(({ id, deleted }) => [id, deleted]), [['local', true]])
    const again = await edit((write) => createProvider(write, { id: 'local', org, vendor: 'vllm', name: 'Again', baseUrl: null }))
    assert.equal(again.version, 4)
    assert.equal((await findProvider(store.database, org, 'local'))!.name, 'Again')
  })

  test('aliases and deployments are created, changed, deleted and created again', async () => {
    await edit(async (write) => {
      await createAlias(write, { name: 'fast', org, strategy: 'ordered', targets: [{ model: 'gpt-5.1', weight: 1 }] })
      await updateAlias(write, org, 'fast', { strategy: 'weighted' })
      await createDeployment(write, { id: 'd1', org, model: 'm', provider: 'local', upstreamModel: 'u' })
      await updateDeployment(write, org, 'd1', { priceAs: 'gpt-5.1' })
    })
    assert.deepEqual((await listAliases(store.database, org, { limit: 1 })).data.map(({ name, strategy, version }) => [name, strategy, version]), [['fast', 'weighted', 2]])
    assert.equal((await findDeployment(store.database, org, 'd1'))!.priceAs, 'gpt-5.1')
    await edit(async (write) => {
      await deleteAlias(write, org, 'fast')
      await deleteDeployment(write, org, 'd1')
    })
    assert.equal(await findAlias(store.database, org, 'fast'), null)
    assert.equal(await findDeployment(store.database, org, 'd1'), null)
    const revived = await edit((write) => createAlias(write, { name: 'fast', org, strategy: 'ordered', targets: [] }))
    assert.equal(revived.version, 4)
  })

  test('settings have defaults, keep what a patch leaves out, and change version and revision', async () => {
    const fresh = (await findSettings(store.database, org))!
    assert.deepEqual([fresh.version, fresh.retention, fresh.content.store], [0, { requestsDays: 30, usageDays: 400, decisionsDays: 7 }, false])
    await edit((write) => updateSettings(write, org, { organisation: 'ACME', timeZone: 'Europe/Berlin', content: { store: true } }))
    await edit((write) => updateSettings(write, org, { retention: { requestsDays: 7 } }, { ifVersion: 1 }))
    const [settings] = await allSettings(store.database)
    assert.deepEqual([settings!.organisation, settings!.timeZone, settings!.content, settings!.retention, settings!.version],
      ['ACME', 'Europe/Berlin', { store: true, retentionDays: 30, quotaMb: 1024 }, { requestsDays: 7, usageDays: 400, decisionsDays: 7 }, 2])
  })

  test('budget and rate limit of an organisation are exact, replaced whole, stay when left out and go with null', async () => {
    const budget = { limitNano: 8_999_999_123_456_789, period: 'month', mode: 'strict' } as const
    const rateLimit = { rpm: 600, tpm: null, concurrency: null, spendNano: 1 }
    const now = async () => {
      const { budget: found, rateLimit: limit } = (await findSettings(store.database, org))!
      return [found, limit]
    }
    assert.deepEqual(await now(), [null, null])
    await edit((write) => updateSettings(write, org, { budget, rateLimit }))
    assert.deepEqual(await now(), [budget, rateLimit])
    await edit((write) => updateSettings(write, org, { organisation: 'Other', rateLimit: { ...rateLimit, rpm: null, tpm: 5 } }))
    assert.deepEqual(await now(), [budget, { rpm: null, tpm: 5, concurrency: null, spendNano: 1 }])
    await edit((write) => updateSettings(write, org, { budget: null, rateLimit: null }))
    assert.deepEqual(await now(), [null, null])
  })

  test('a poller sees every edit exactly once, also when it must page', async () => {
    const start = await changesSince(store.database, 0)
    for (let index = 0; index < 5; index++) await newKey(`k${index}`)
    await edit((write) => createAlias(write, { name: 'fast', org, strategy: 'ordered', targets: [] }))
    const names: string[] = []
    let { revision, more } = { revision: start.revision, more: true }
    while (more) {
      const changes = await changesSince(store.database, revision, 2)
      names.push(...changes.keys.map((key) => key.name), ...changes.aliases.map((alias) => alias.name))
      ;({ revision, more } = changes)
    }
    assert.deepEqual(names, ['k0', 'k1', 'k2', 'k3', 'k4', 'fast'])
    assert.deepEqual((await changesSince(store.database, revision)).keys, [])
  })

  test('the organisation is made once by however many processes start', async () => {
    const other = await store.again()
    const made = await Promise.all([store.database, other, other].map((database) => transaction(database, at, (write) => users.ensureOrganisation(write, randomBytes(16)))))
    assert.deepEqual(new Set(made.map(({ id }) => id)), new Set([org]))
  })

  test('a session ends with its expiry, its removal, or a change of its user', async () => {
    const user = await edit((write) => users.createUser(write, { id: 'usr_1', org, email: ' Ann@Example.org', name: 'Ann', role: 'owner', passwordHash: 'h' }))
    assert.equal(await users.isClaimed(store.database), true)
    await assert.rejects(edit((write) => users.createUser(write, { ...user, id: 'usr_2' })), NameTakenError)
    assert.equal((await users.findUserByEmail(store.database, 'ann@example.ORG'))!.id, 'usr_1')
    const [first, second] = [randomBytes(32), randomBytes(32)]
    for (const idHash of [first, second]) await edit((write) => users.createSession(write, { idHash, user, csrf: 'c', expiresAt: at + 100 }))
    assert.equal((await users.findSession(store.database, first, at))!.user.id, 'usr_1')
    assert.equal(await users.findSession(store.database, first, at + 100), null)
    await edit((write) => users.deleteSession(write, first))
    assert.equal(await users.findSession(store.database, first, at), null)
    await edit((write) => users.setPassword(write, 'usr_1', 'h2'))
    assert.equal(await users.findSession(store.database, second, at), null)
  })

  test('a bootstrap token is used once', async () => {
    assert.equal(await users.findBootstrap(store.database), null)
    await edit((write) => users.putBootstrap(write, Buffer.from('t'), at + 1))
    assert.deepEqual([await edit(users.useBootstrap), await edit(users.useBootstrap)], [true, false])
    assert.equal((await users.findBootstrap(store.database))!.usedAt, at)
  })

  test('an integer beyond 2^53 is an error and never a rounded amount', async () => {
    const { kysely } = store.database
    const read = (text: string) => sql<{ value: number }>`select cast(${sql.lit(text)} as ${sql.raw(store.database.kind === 'sqlite' ? 'integer' : 'bigint')}) as value`.execute(kysely)
    assert.equal((await read('9007199254740991')).rows[0]!.value, Number.MAX_SAFE_INTEGER)
    assert.equal((await read('-9007199254740991')).rows[0]!.value, Number.MIN_SAFE_INTEGER)
    await assert.rejects(read('9007199254740993'), /beyond 2\^53/)
  })
})

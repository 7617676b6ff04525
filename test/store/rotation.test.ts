import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { createKey as newText, hashKey, keyHint, storedForm } from '../../src/governance/key-format.ts'
import { createChannel, findChannel } from '../../src/store/alerts.ts'
import { createToken } from '../../src/store/api-tokens.ts'
import { ContentStore } from '../../src/store/content.ts'
import { transaction, type Write } from '../../src/store/database.ts'
import { bindMasterKeys, followMasterKeys } from '../../src/store/installation.ts'
import { neededKeys } from '../../src/store/key-needs.ts'
import { createKey, revokeKey, rotateKey } from '../../src/store/keys.ts'
import { findTotp, putTotp } from '../../src/store/log-in.ts'
import { loadMasterKeys, type MasterKeys } from '../../src/store/master-key.ts'
import { addCredential, createProvider, findProvider } from '../../src/store/providers.ts'
import { rewrapAll, useNewest } from '../../src/store/rotation.ts'
import { sealedColumns } from '../../src/store/sealed-columns.ts'
import { encrypt, idText, openSecret, sealSecret, Secret } from '../../src/store/secrets.ts'
import { createOidcProvider, findOidcProvider } from '../../src/store/oidc-providers.ts'
import { createUser, ensureOrganisation } from '../../src/store/users.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'

const at = Date.UTC(2026, 5, 15, 12) * 1000
const dayUs = 86_400_000_000
const [first, second] = ['a1', 'b2'].map((byte) => byte.repeat(32)) as [string, string]

/** Bytes in the schema that are no ciphertext: hashes, ids, counters, packed data. */
const plainBytes = [
  'session.id_hash', 'bootstrap.token_hash', 'api_key.hash', 'api_key.previous_hash', 'api_token.hash', 'api_token.previous_hash', 'access_link.id_hash', 'recovery_code.hash', 'installation.kek_id', 'master_key.kek_id', 'idempotency.body_hash',
  'usage.request_id', 'usage.steps', 'request_log.request_id', 'content_index.request_id', 'ledger_entry.entities', 'ledger_entry.request_id', 'ledger_entry.usage', 'ledger_batch.prev_hash', 'ledger_batch.hash', 'ledger_position.hash',
  'decision.request_id', 'outcome.request_id', 'catalog_version.digest', 'catalog_version.artefact', 'repeat_mark.key_digest', 'repeat_mark.body_digest', 'repeat_mark.request_id', 'audit_event.prev_hash', 'audit_event.hash', 'audit_head.hash',
]

/** Sealed by the organisation's data key: a new master key wraps that one anew, and leaves these as they are. */
const byDataKey = ['stored_response.sealed']

onBothDatabases((open) => {
  let store: TestDatabase
  let org: string
  const load = (value: string, previous = ''): MasterKeys => loadMasterKeys({ value, previous, databaseUrl: null, dataDir: '' })
  const edit = <Result>(work: (write: Write) => Promise<Result>, when = at) => transaction(store.database, when, work)
  const bound = async (keys: MasterKeys, server = true): Promise<MasterKeys> => {
    await edit((write) => bindMasterKeys(write, keys, { server }))
    return keys
  }
  const both = () => bound(load(second, first))
  const activate = (keys: MasterKeys) => edit((write) => useNewest(write, keys, { serversStopped: false })).then(async (changed) => {
    await followMasterKeys(store.database, keys)
    return changed
  })
  const contextOf = (id: string) => ({ org, id, version: 1 })
  const secretOf = (id: string) => `canary-${id}`
  /** Of every sealed column, and keys and tokens. */
  const fill = async (keys: MasterKeys, name: string, credentials = 1): Promise<string> => {
    const text = newText()
    await followMasterKeys(store.database, keys)
    await edit(async (write) => {
      await createProvider(write, { id: name, org, vendor: 'openai', name, baseUrl: null })
      for (let at = 0; at < credentials; at++) {
        const id = `cred_${name}_${at}`
        await addCredential(write, org, name, { id, name: id, last4: 'abcd', ciphertext: sealSecret(keys.kek(), new Secret(secretOf(id)), contextOf(id)) })
      }
      await createUser(write, { id: `usr_${name}`, org, email: `${name}@example.org`, name, role: 'member', passwordHash: null })
      await putTotp(write, { user: `usr_${name}`, sealed: sealSecret(keys.kek(), new Secret(secretOf('totp')), contextOf(`usr_${name}/totp`)), version: 1, confirmedAt: null, usedStep: 0 })
      await createChannel(write, { id: `alc_${name}`, org, kind: 'webhook', name, target: {}, secret: sealSecret(keys.kek(), new Secret(secretOf('hook')), contextOf(`alc_${name}`)), events: [], enabled: true })
      await createOidcProvider(write, {
        id: `oidc_${name}`, org, name, issuer: 'https://id.example.org', clientId: 'megarouter', clientSecret: sealSecret(keys.kek(), new Secret(secretOf('oidc')), contextOf(`oidc_${name}`)), enabled: true,
        settings: { scopes: [], groupsClaim: 'groups', userinfo: false, rules: [], domains: [], createUsers: false, linkVerifiedEmail: false, trustEmail: false },
      })
      await createKey(write, { id: `key_${name}`, org, name, ...storedForm(keys.pepper(), text) })
      const { prefix, last4, hash, pepperVersion } = storedForm(keys.pepper(), newText())
      await createToken(write, { id: `tok_${name}`, org, principalKind: 'user', principal: `usr_${name}`, name, prefix, last4, hash, pepperVersion, scopes: ['keys:read'], node: null, expiresAt: null, lastUsedAt: null, previousHash: null, previousPepperVersion: null, previousUntil: null, createdBy: `usr_${name}` })
    })
    return text
  }
  const opened = async (keys: MasterKeys, name: string, credentials = 1): Promise<string[]> => {
    const provider = (await findProvider(store.database, org, name))!
    assert.equal(provider.credentials.length, credentials)
    return [
      ...provider.credentials.map(({ id, ciphertext }) => (openSecret(keys.kek(), ciphertext!, contextOf(id)).reveal() === secretOf(id) ? 'right' : 'wrong')),
      openSecret(keys.kek(), (await findTotp(store.database, `usr_${name}`))!.sealed, contextOf(`usr_${name}/totp`)).reveal(),
      openSecret(keys.kek(), (await findChannel(store.database, org, `alc_${name}`))!.secret!, contextOf(`alc_${name}`)).reveal(),
      openSecret(keys.kek(), (await findOidcProvider(store.database, org, `oidc_${name}`))!.clientSecret!, contextOf(`oidc_${name}`)).reveal(),
    ]
  }
  const right = (credentials = 1) => [...Array.from({ length: credentials }, () => 'right'), secretOf('totp'), secretOf('hook'), secretOf('oidc')]
  const needs = async (keys: MasterKeys, when = at): Promise<Record<string, number>> => {
    const found = (await neededKeys(store.database, when)).find(({ id }) => id === idText(keys.newest.id))
    return Object.fromEntries((found?.uses ?? []).map(({ what, count }) => [what, count]))
  }
  const all = { 'provider credentials': 1, 'second factors': 1, 'secrets of alert channels': 1, 'client secrets of OpenID providers': 1, 'API keys': 1, 'API tokens': 1 }

  beforeEach(async () => {
    store = await open()
    await bound(load(first))
    org = (await edit((write) => ensureOrganisation(write, Buffer.alloc(16, 1)))).id
  })
  afterEach(() => store.close())

  test('every column of bytes in the schema is known as sealed or as none', async () => {
    const tables = await store.database.kysely.introspection.getTables()
    const bytes = tables.flatMap(({ name, columns }) => columns.filter(({ dataType }) => /^(blob|bytea)$/i.test(dataType)).map((column) => `${name}.${column.name}`))
    assert.deepEqual(bytes.sort(), [...plainBytes, ...byDataKey, ...sealedColumns.map(({ table, column }) => `${table}.${column}`)].sort(), 'a new column of bytes belongs into sealedColumns, or into the list of this test')
    for (const { table, column, key, reads = [] } of sealedColumns) {
      const names = tables.find(({ name }) => name === table)!.columns.map((each) => each.name)
      for (const name of [column, key, ...reads]) assert.ok(names.includes(name), `${table}.${name}`)
    }
  })

  test('a new master key is prepared, brought into use, and seals; both open all the while; then the old one can go', async () => {
    await fill(load(first), 'old')
    const keys = await both()
    assert.deepEqual([idText(keys.inUse.id), keys.pepper().version], [idText(load(first).newest.id), 1], 'nothing changes before the rotation')
    assert.deepEqual(await opened(keys, 'old'), right())
    assert.equal(await activate(keys), true)
    assert.deepEqual([idText(keys.inUse.id), keys.pepper().version], [idText(load(second).newest.id), 2])
    await fill(keys, 'new')
    assert.deepEqual([await opened(keys, 'old'), await opened(keys, 'new')], [right(), right()])
    assert.deepEqual([await needs(load(first)), await needs(load(second))], [all, all])
    const results = await rewrapAll(store.database, keys, () => at)
    assert.deepEqual(results.map(({ what, rewrapped, current, failed }) => [what, rewrapped, current, failed.length]), [['provider credentials', 1, 1, 0], ['second factors', 1, 1, 0], ['secrets of alert channels', 1, 1, 0], ['client secrets of OpenID providers', 1, 1, 0], ['keys of stored content', 0, 0, 0]])
    assert.deepEqual(await needs(load(first)), { 'API keys': 1, 'API tokens': 1 }, 'hashes stay')
    assert.deepEqual(await opened(load(second), 'old'), right(), 'opens without the old key')
    assert.deepEqual((await rewrapAll(store.database, keys, () => at)).map(({ rewrapped }) => rewrapped), [0, 0, 0, 0, 0])
    assert.equal(await activate(keys), false)
  })

  test('a server does not start without a master key that something needs, and starts once nothing does', async () => {
    const text = await fill(load(first), 'old')
    const keys = await both()
    await assert.rejects(bound(load(second)), /not the key that this database was set up with/)
    await activate(keys)
    await rewrapAll(store.database, keys, () => at)
    await assert.rejects(bound(load(second)), new RegExp(`A master key is missing that something still needs: ${idText(load(first).newest.id)} \\(API keys: 1, API tokens: 1\\)\\. Add it to MEGAROUTER_PREVIOUS_MASTER_KEYS`))
    await bound(load(second), false)
    // The same key with a new text: the old text counts a day longer.
    await edit((write) => rotateKey(write, org, 'key_old', storedForm(keys.pepper(), newText()), at + dayUs))
    assert.deepEqual(await needs(load(first)), { 'API keys': 1, 'API tokens': 1 })
    assert.deepEqual(await needs(load(first), at + 2 * dayUs), { 'API tokens': 1 })
    await store.database.kysely.updateTable('api_token').set({ expires_at: at + dayUs }).execute()
    assert.deepEqual(await needs(load(first), at + 2 * dayUs), {})
    await transaction(store.database, at + 2 * dayUs, (write) => bindMasterKeys(write, load(second), { server: true }))
    await edit((write) => revokeKey(write, org, 'key_old'))
    assert.deepEqual(await needs(load(first)), { 'API tokens': 1 }, 'a revoked key needs nothing')
    assert.ok(hashKey(load(first).pepper(), text).equals(hashKey(keys.pepper().others![0]!, text)))
  })

  test('rotation waits until a server knows the new key, unless none runs', async () => {
    const keys = await bound(load(second, first), false)
    await assert.rejects(edit((write) => useNewest(write, keys, { serversStopped: false })), /No server was started with the new master key/)
    assert.equal(await edit((write) => useNewest(write, keys, { serversStopped: true })), true)
    assert.equal(await followMasterKeys(store.database, keys), true)
    assert.equal(keys.pepper().version, 2)
    assert.equal(await followMasterKeys(store.database, load(first)), false, 'a process that was not given the key learns it')
  })

  test('going back to the key before is a rotation too', async () => {
    await fill(load(first), 'old')
    const keys = await both()
    await activate(keys)
    await rewrapAll(store.database, keys, () => at)
    const back = await bound(load(first, second))
    assert.equal(await activate(back), true)
    assert.equal(back.pepper().version, 1)
    await rewrapAll(store.database, back, () => at)
    assert.deepEqual(await opened(load(first), 'old'), right())
    assert.deepEqual(await needs(load(second)), {})
  })

  test('stored content stays readable, also under a data key that does not name its master key', async () => {
    const content = new ContentStore(store.database, load(first).kek('content'))
    const requestId = randomBytes(16)
    const write = async (id: string, request: Uint8Array) => store.database.kysely.insertInto('content_index')
      .values(await new ContentStore(store.database, (await both()).kek('content')).append([{ org: id, requestId: request, at, request: Buffer.from('question'), response: Buffer.from('answer'), truncated: false }])).execute()
    // As an older version wrapped it.
    const [key, id] = [randomBytes(32), 'dk_old']
    await store.database.kysely.insertInto('data_key').values({ id, org_id: org, wrapped: encrypt(load(first).inUse.derive('content'), key, JSON.stringify(['content key', org, id])), created_at: at }).execute()
    await write(org, requestId)
    assert.equal((await content.read(org, requestId))!.response.toString(), 'answer')
    assert.deepEqual(await needs(load(first)), { 'keys of stored content': 1 })
    const keys = await both()
    await activate(keys)
    await write('org_b', randomBytes(16))
    assert.deepEqual(await needs(load(second)), { 'keys of stored content': 1 }, 'another thread’s new data key is under the key in use')
    await rewrapAll(store.database, keys, () => at)
    assert.deepEqual([await needs(load(first)), await needs(load(second))], [{}, { 'keys of stored content': 2 }])
    const rest = new ContentStore(store.database, load(second).kek('content'))
    assert.equal((await rest.read(org, requestId))!.response.toString(), 'answer')
    await assert.rejects(content.read(org, requestId), /MEGAROUTER_PREVIOUS_MASTER_KEYS/)
  })

  test('what was altered is named, left as it is and does not stop the rest', async () => {
    await fill(load(first), 'old', 3)
    const { kysely } = store.database
    const damaged = Buffer.concat([sealSecret(load(first).kek(), new Secret('x'), contextOf('x')).subarray(0, 20), Buffer.alloc(60)])
    await kysely.updateTable('credential').set({ ciphertext: damaged }).where('id', '=', 'cred_old_1').execute()
    const keys = await both()
    await activate(keys)
    const [credentials] = await rewrapAll(store.database, keys, () => at)
    assert.deepEqual([credentials!.rewrapped, credentials!.failed.map(({ id }) => id)], [2, ['cred_old_1']])
    assert.deepEqual(Buffer.from((await kysely.selectFrom('credential').select('ciphertext').where('id', '=', 'cred_old_1').executeTakeFirstOrThrow()).ciphertext!), damaged)
    assert.deepEqual(await needs(load(first)), { 'provider credentials': 1, 'API keys': 1, 'API tokens': 1 })
  })

  test('a secret that is replaced while it is wrapped anew keeps its new value', async () => {
    await fill(load(first), 'old', 120)
    const keys = await both()
    await activate(keys)
    const id = 'cred_old_119'
    const newer = sealSecret(keys.kek(), new Secret('replaced'), contextOf(id))
    let steps = 0
    await rewrapAll(store.database, keys, () => at, () => {
      if (++steps === 2) void store.database.kysely.updateTable('credential').set({ ciphertext: newer }).where('id', '=', id).execute()
      return false
    })
    const row = await store.database.kysely.selectFrom('credential').select('ciphertext').where('id', '=', id).executeTakeFirstOrThrow()
    assert.equal(openSecret(keys.kek(), row.ciphertext!, contextOf(id)).reveal(), 'replaced')
  })

  test('a rotation that is killed in the middle loses nothing, and the next one ends it with exact counts', async () => {
    const many = 450
    await fill(load(first), 'old', many)
    const keys = await both()
    await activate(keys)
    const settings = JSON.stringify({ databaseUrl: store.settings.databaseUrl, dataDir: store.settings.dataDir, value: second, previous: first })
    const child = spawn(process.execPath, [join(import.meta.dirname, 'rotation-process.ts'), settings], { stdio: ['ignore', 'pipe', 'inherit'] })
    let steps = 0
    let done = false
    child.stdout.on('data', (chunk: Buffer) => {
      done ||= chunk.includes('done')
      steps += chunk.toString().split('step').length - 1
      if (steps >= 3) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    assert.equal(done, false)
    const before = (await needs(load(first)))['provider credentials']!
    assert.ok(before > 0 && before < many, `${before} of ${many} were left`)
    assert.deepEqual(await opened(keys, 'old', many), right(many), 'all open in between')
    const [credentials] = await rewrapAll(store.database, keys, () => at)
    assert.deepEqual([credentials!.rewrapped, credentials!.current, credentials!.failed], [before, many - before, []])
    assert.deepEqual(await opened(load(second), 'old', many), right(many))
  })
})

test('hints and hashes of a key are what its text and the pepper in use make', () => {
  const keys = loadMasterKeys({ value: second, previous: ` ${first}, ${second} `, databaseUrl: null, dataDir: '' })
  const text = newText()
  assert.throws(() => storedForm(keys.pepper(), text), /before the database said/)
  keys.follow(keys.newest.id, new Map([[idText(keys.newest.id), 7]]))
  assert.deepEqual(storedForm(keys.pepper(), text), { ...keyHint(text), hash: hashKey(keys.pepper(), text), pepperVersion: 7 })
  assert.equal(keys.all.length, 2, 'a key that is given twice is one')
  assert.throws(() => loadMasterKeys({ value: second, previous: `${first},abc`, databaseUrl: null, dataDir: '' }), /Key 2 of MEGAROUTER_PREVIOUS_MASTER_KEYS/)
  assert.throws(() => loadMasterKeys({ value: second, previous: Array.from({ length: 9 }, () => first).join(), databaseUrl: null, dataDir: '' }), /holds 9 keys, at most 8/)
})

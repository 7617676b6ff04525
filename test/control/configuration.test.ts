/** The environment, the file and the database: one truth, and the last good state of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { noRateLimit, type OrganisationSnapshot, type SnapshotData } from '../../src/gateway/snapshot.ts'
import { changesSince } from '../../src/store/changes.ts'
import { currentRevision } from '../../src/store/edits.ts'
import { startRig, until, type Rig, type RigOptions } from './rig.ts'

async function withRig(options: RigOptions, work: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await startRig(options)
  try {
    await work(rig)
  } finally {
    await rig.stop()
  }
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'megarouter-control-'))
  try {
    await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Of the one organisation. */
const snapshot = (rig: Rig): OrganisationSnapshot & SnapshotData => {
  const message = rig.posts.findLast((each) => each.kind === 'snapshot')
  const [organisation] = message?.snapshot.organisations ?? []
  assert.ok(message && organisation)
  return { ...organisation, ...message.snapshot }
}
const secrets = (rig: Rig, id: string): string[] | undefined => snapshot(rig).providers.find((each) => each.id === id)?.credentials.map((each) => each.secret)
const ids = (rig: Rig): string[] => snapshot(rig).providers.map((each) => each.id).sort()

const file = `
providers:
  groq:
    credentials: [gsk-in-file]
  mine:
    base_url: http://10.0.0.5:8000/v1
aliases:
  fast:
    targets: [groq/llama]
deployments:
  - { model: own, provider: mine, upstream_model: own-1, price: { input: 0.1, output: 0.2 }, region: eu, retention_days: 0, open_weights: true }
settings:
  organisation: Declared
  time_zone: Europe/Berlin
  deadlines: { first_token_ms: 4321 }
`

describe('the environment', () => {
  test('switches vendors on, with every numbered key once, by reference only', () => withRig(
    { variables: { OPENAI_API_KEY: 'sk-one', OPENAI_API_KEY_2: 'sk-two', OPENAI_API_KEY_9: 'sk-one', OLLAMA_BASE_URL: 'http://127.0.0.1:11434/v1/', MISTRAL_BASE_URL: 'https://x.example', TOGETHER_API_KEY: ' ' } },
    async (rig) => {
      assert.deepEqual(ids(rig), ['ollama', 'openai'])
      assert.deepEqual(secrets(rig, 'openai'), ['sk-one', 'sk-two'])
      const ollama = snapshot(rig).providers.find((each) => each.id === 'ollama')
      assert.deepEqual([ollama?.baseUrl, ollama?.guarded], ['http://127.0.0.1:11434/v1', false])
      const { providers } = await changesSince(rig.control.services.database, 0)
      assert.ok(providers.flatMap((each) => each.credentials).every((each) => each.ciphertext === null && each.secretRef?.startsWith('env:OPENAI_API_KEY') === true))
      assert.match((await rig.call('GET', '/status')).body.problems.join('\n'), /MISTRAL_BASE_URL is set, but no key/)
    }))

  test('that lost a variable leaves the provider off and the operator free to delete it', () => inDirectory(async (directory) => {
    await withRig({ directory, config: '{}', variables: { OPENAI_API_KEY: 'sk-one' } }, async (rig) => assert.deepEqual(ids(rig), ['openai']))
    await withRig({ directory }, async (rig) => {
      assert.deepEqual(ids(rig), ['simulated'])
      const openai = (await rig.call('GET', '/providers/openai')).body
      assert.deepEqual([openai.enabled, openai.managed_by, openai.credentials], [false, 'api', []])
      assert.equal((await rig.call('DELETE', '/providers/openai')).status, 204)
    })
    await withRig({ directory, variables: { OPENAI_API_KEY: 'sk-new' } }, async (rig) => assert.deepEqual(secrets(rig, 'openai'), ['sk-new']))
  }))

  test('that did not change writes nothing at a restart', () => inDirectory(async (directory) => {
    let revision = 0
    const options = { directory, config: file, variables: { OPENAI_API_KEY: 'sk-one' } }
    await withRig(options, async (rig) => {
      revision = await currentRevision(rig.control.services.database)
      assert.ok(revision > 4)
    })
    await withRig(options, async (rig) => assert.equal(await currentRevision(rig.control.services.database), revision))
  }))
})

describe('the simulated provider', () => {
  test('is on while nothing else is, and steps back for the first real one', () => withRig({}, async (rig) => {
    assert.deepEqual(ids(rig), ['simulated'])
    assert.ok(snapshot(rig).providers[0]?.socketPath)
    await rig.call('POST', '/providers', { body: { vendor: 'groq', credential: 'gsk-x' } })
    assert.deepEqual(ids(rig), ['groq'])
    await rig.call('DELETE', '/providers/groq')
    assert.deepEqual(ids(rig), ['simulated'])
  }))

  test('stays as the operator decided in the console', () => withRig({ variables: { GROQ_API_KEY: 'gsk' } }, async (rig) => {
    assert.equal((await rig.call('POST', '/providers', { body: { vendor: 'simulated' } })).status, 201)
    assert.deepEqual(ids(rig), ['groq', 'simulated'])
    assert.equal((await rig.call('PATCH', '/providers/simulated', { body: { enabled: false } })).status, 200)
    assert.deepEqual(ids(rig), ['groq'])
  }))

  test('follows MEGAROUTER_SIMULATED where it is set', async () => {
    await withRig({ variables: { GROQ_API_KEY: 'gsk', MEGAROUTER_SIMULATED: 'on' } }, async (rig) => {
      assert.deepEqual(ids(rig), ['groq', 'simulated'])
      assert.equal((await rig.call('PATCH', '/providers/simulated', { body: { enabled: false } })).body.error.code, 'managed_by_file')
    })
    await withRig({ variables: { MEGAROUTER_SIMULATED: 'off' } }, async (rig) => assert.deepEqual(ids(rig), []))
  })
})

describe('the file', () => {
  test('is brought into the database whole, literal secrets encrypted', () => withRig({ config: file }, async (rig) => {
    assert.deepEqual(ids(rig), ['groq', 'mine'])
    assert.deepEqual(secrets(rig, 'groq'), ['gsk-in-file'])
    const data = snapshot(rig)
    assert.deepEqual(data.deployments[0]?.facts, { region: 'eu', retentionDays: 0, openWeights: true })
    assert.deepEqual([data.aliases[0]?.name, data.deployments[0]?.price?.base.input, data.settings.deadlines.firstTokenMs], ['fast', 100_000_000, 4321])
    assert.equal(data.providers.find((each) => each.id === 'mine')?.guarded, false)
    const settings = (await rig.call('GET', '/settings')).body
    assert.deepEqual([settings.organisation, settings.time_zone, settings.managed_by], ['Declared', 'Europe/Berlin', 'file'])
    const { providers } = await changesSince(rig.control.services.database, 0)
    const credential = providers.flatMap((each) => each.credentials)[0]
    assert.equal(credential?.secretRef, null)
    assert.equal(Buffer.from(credential?.ciphertext ?? []).includes('gsk-in-file'), false)
    for (const [method, path, body] of [['PATCH', '/settings', {}], ['DELETE', '/aliases/fast', undefined], ['DELETE', '/deployments/mine%2Fown-1', undefined], ['PATCH', '/providers/mine', {}]] as const) {
      assert.equal((await rig.call(method, path, { body })).body.error.code, 'managed_by_file', path)
    }
  }))

  test('is applied when it changes; what it no longer declares is off, deleted or free again', () => withRig({ config: file }, async (rig) => {
    writeFileSync(rig.configFile, 'providers:\n  groq:\n    credentials: [gsk-changed]\n')
    await until(() => secrets(rig, 'groq')?.[0] === 'gsk-changed', 'the change arrived')
    assert.deepEqual([ids(rig), snapshot(rig).aliases, snapshot(rig).deployments], [['groq'], [], []])
    assert.notEqual(snapshot(rig).settings.deadlines.firstTokenMs, 4321)
    assert.equal((await rig.call('PATCH', '/settings', { body: { organisation: 'Free' } })).status, 200)
    assert.equal((await rig.call('GET', '/providers/mine')).body.enabled, false)
  }))

  test('with a mistake changes nothing: the last good state stays and the mistake is shown with its place', () => withRig({ config: file }, async (rig) => {
    const before = ids(rig)
    for (const broken of ['providers: [', 'providers:\n  groq: { base_ulr: x }\n', 'aliases:\n  a: { targets: [] }\n']) {
      writeFileSync(rig.configFile, broken)
      const error = await until(async () => (await rig.call('GET', '/status')).body.config.error as string | null, 'the mistake is shown')
      assert.match(error, /megarouter\.yaml:\d+:\d+/)
      rig.control.services.publisher.invalidate()
      await rig.control.services.publisher.refresh()
      assert.deepEqual(ids(rig), before)
      assert.equal(snapshot(rig).settings.deadlines.firstTokenMs, 4321)
      await until(() => rig.posts.findLast((each) => each.kind === 'heartbeat')?.configError === error, 'the data plane knows')
      writeFileSync(rig.configFile, file)
      await until(async () => (await rig.call('GET', '/status')).body.config.error === null, 'the file is right again')
    }
  }))

  test('with a mistake at start keeps what it declared before; the environment is applied all the same', () => inDirectory(async (directory) => {
    await withRig({ directory, config: file }, async () => undefined)
    await withRig({ directory, config: 'providers: [', variables: { OPENAI_API_KEY: 'sk-one' } }, async (rig) => {
      assert.deepEqual(ids(rig), ['groq', 'mine', 'openai'])
      assert.deepEqual([secrets(rig, 'groq'), snapshot(rig).aliases.length], [['gsk-in-file'], 1])
      assert.notEqual((await rig.call('GET', '/status')).body.config.error, null)
    })
  }))

  test('is read again on the message `reload`', () => withRig({ config: '{}' }, async (rig) => {
    const loadedAt = (await rig.call('GET', '/status')).body.config.loaded_at as string
    rig.clock.advance(5_000)
    rig.control.receive({ kind: 'reload' })
    await until(async () => (await rig.call('GET', '/status')).body.config.loaded_at !== loadedAt, 'it was read again')
  }))
})

describe('POST /config/validate', () => {
  const validate = (rig: Rig, text: string) => rig.call('POST', '/config/validate', { body: { text } })

  test('200: tells what would change and changes nothing', () => withRig({ config: file }, async (rig) => {
    const revision = await currentRevision(rig.control.services.database)
    const answer = await validate(rig, 'providers:\n  groq: { credentials: [other] }\n  openai: { credentials: [sk] }\n')
    assert.equal(answer.body.ok, true)
    const changes = (answer.body.changes as { kind: string; id: string; action: string }[]).map(({ kind, id, action }) => `${action} ${kind} ${id}`)
    for (const expected of ['update provider groq', 'create provider openai', 'update provider mine', 'delete alias fast', 'delete deployment mine/own-1']) assert.ok(changes.includes(expected), expected)
    assert.equal(await currentRevision(rig.control.services.database), revision)
    assert.deepEqual((await validate(rig, file)).body.changes, [])
  }))

  test('200: mistakes come with line and column', () => withRig({}, async (rig) => {
    const answer = await validate(rig, 'providers:\n  groq:\n    nonsense: 1\n')
    assert.deepEqual([answer.body.ok, answer.body.errors[0].line, answer.body.errors[0].path], [false, 3, 'providers.groq.nonsense'])
  }))

  test('200: the answer cannot be made to show a variable', () => withRig({ variables: { OPENAI_API_KEY: 'sk-canary-value' } }, async (rig) => {
    const answer = await validate(rig, 'aliases:\n  a: { targets: ["${OPENAI_API_KEY}"] }\ndeployments:\n  - { id: "${OPENAI_API_KEY}", model: m, provider: openai, upstream_model: x }\n')
    assert.equal(answer.body.ok, true)
    assert.ok(!answer.text.includes('canary'))
  }))
})

describe('/settings', () => {
  test('200, 412, 400: changed, changed on an old version, refused', () => withRig({}, async (rig) => {
    const changed = await rig.call('PATCH', '/settings', { body: { organisation: 'New', time_zone: 'Asia/Tokyo', content: { store: true } } })
    assert.deepEqual([changed.status, changed.body.organisation, changed.body.content.store, changed.body.content.retention_days], [200, 'New', true, 30])
    assert.equal(snapshot(rig).storesContent, true)
    assert.equal((await rig.call('PATCH', '/settings', { body: { responses: { store: true, quota_mb: 5 } } })).body.responses.quota_mb, 5)
    assert.equal(snapshot(rig).storesResponses, true)
    assert.equal((await rig.call('PATCH', '/settings', { body: { organisation: 'Late' }, headers: { 'if-match': '"0"' } })).status, 412)
    for (const body of [{ budget: { limit_usd: 1 } }, { budget: { limit_usd: 1e-10, period: 'day' } }, { rate_limit: { rpm: -1 } }, { rate_limit: { spend_usd_per_minute: '0' } }, { time_zone: 'Mars/Olympus' }, { time_zone: '+05:07' }, { time_zone: '-0830' }, { unknown_price: 'zero' }, { retention: { usage_days: 0 } }, { managed_by: 'file' }]) assert.equal((await rig.call('PATCH', '/settings', { body })).status, 400)
  }))

  test('200, 400, 503: how long answers are kept is changed and published; all are forgotten, which is in the audit log; nobody knows where the data plane is silent', () => withRig({ config: 'settings: { cache: { ttl_s: 60 } }' }, async (rig) => {
    assert.equal(snapshot(rig).organisations[0]!.cacheTtlMs, 60_000)
    const shown = await rig.call('GET', '/settings')
    assert.deepEqual([shown.body.cache, shown.body.managed_by], [{ ttl_s: 60 }, 'file'])
    for (const cache of [{ ttl_s: -1 }, { ttl_s: 1.5 }, { ttl_s: 1e9 }, { ttl: 1 }]) assert.equal((await rig.call('PATCH', '/settings', { body: { cache } })).status, 400)
    const emptied = rig.call('DELETE', '/cache')
    const asked = await until(() => rig.posts.find((post) => post.kind === 'emptyCache'), 'a question to the data plane')
    assert.ok(asked.kind === 'emptyCache' && asked.org.startsWith('org_'))
    rig.control.receive({ kind: 'emptyCache', id: asked.id, emptied: { answers: 2, bytes: 10 } })
    assert.deepEqual([(await emptied).status, (await emptied).body], [200, { answers: 2, bytes: 10 }])
    assert.deepEqual((await rig.call('GET', '/audit?action=cache.empty')).body.data.map(({ after }: { after: object }) => after), [{ answers: 2, bytes: 10 }])
    const silent = await rig.call('DELETE', '/cache')
    assert.deepEqual([silent.status, silent.body.error.code], [503, 'data_plane_silent'])
  }))

  test('200: budget and limits of the organisation are exact, at the data plane before the answer, and go with null', () => withRig({}, async (rig) => {
    const body = { organisation: 'ACME', time_zone: 'Asia/Tokyo', budget: { limit_usd: '1000.000000001', period: 'month', mode: 'strict' }, rate_limit: { tpm: 90_000, spend_usd_per_minute: 2.5 } }
    const answer = await rig.call('PATCH', '/settings', { body })
    assert.deepEqual([answer.status, answer.body.budget, answer.body.rate_limit],
      [200, { limit_nano: 1_000_000_000_001, period: 'month', mode: 'strict', spent_nano: 0, resets_at: answer.body.budget.resets_at, blocked: false }, { rpm: null, tpm: 90_000, concurrency: null, spend_nano_per_minute: 2_500_000_000 }])
    const published = () => snapshot(rig).organisations.map(({ name, timeZone, budget, rateLimit }) => ({ name, timeZone, budget, rateLimit }))
    const budget = { limitNano: 1_000_000_000_001, period: 'month', mode: 'strict' }
    assert.deepEqual(published(), [{ name: 'ACME', timeZone: 'Asia/Tokyo', budget, rateLimit: { rpm: null, tpm: 90_000, concurrency: null, spendNano: 2_500_000_000 } }])
    await rig.call('PATCH', '/settings', { body: { rate_limit: null } })
    assert.deepEqual(published(), [{ name: 'ACME', timeZone: 'Asia/Tokyo', budget, rateLimit: noRateLimit }])
    const cleared = (await rig.call('PATCH', '/settings', { body: { budget: null, rate_limit: {} } })).body
    assert.deepEqual([cleared.budget, cleared.rate_limit, published()[0]?.budget], [null, null, null])
    const refused = await rig.call('PATCH', '/settings', { body: { budget: { limit_usd: 0.1 + 0.2, period: 'day' } } })
    assert.deepEqual([refused.status, refused.body.error.param], [400, 'budget.limit_usd'])
    assert.match(refused.body.error.message, /at most 9 decimals/)
  }))

  test('the file declares budget and limits of the organisation, writes nothing where they are equal, and takes them away with null', () => inDirectory(async (directory) => {
    const limits = 'settings:\n  budget: { limit_usd: 1000.000000001, period: month, mode: strict }\n  rate_limit: { tpm: 90000, spend_usd_per_minute: 2.5 }\n'
    let revision = 0
    const now = async (rig: Rig) => {
      const { budget, rate_limit: rateLimit, managed_by: by } = (await rig.call('GET', '/settings')).body
      return [budget && [budget.limit_nano, budget.period, budget.mode], rateLimit, by]
    }
    const declared = [[1_000_000_000_001, 'month', 'strict'], { rpm: null, tpm: 90_000, concurrency: null, spend_nano_per_minute: 2_500_000_000 }, 'file']
    await withRig({ directory, config: limits }, async (rig) => {
      assert.deepEqual(await now(rig), declared)
      revision = await currentRevision(rig.control.services.database)
    })
    await withRig({ directory, config: limits }, async (rig) => assert.equal(await currentRevision(rig.control.services.database), revision))
    await withRig({ directory, config: 'settings: { organisation: ACME }\n' }, async (rig) => assert.deepEqual(await now(rig), declared, 'what is not declared stays'))
    await withRig({ directory, config: 'settings: { budget: null, rate_limit: null }\n' }, async (rig) => assert.deepEqual(await now(rig), [null, null, 'file']))
    await withRig({ directory, config: '{}' }, async (rig) => assert.deepEqual(await now(rig), [null, null, 'api']))
  }))
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { environment, errorText, jsonSchema, loadConfig, parseConfig, serverSettings, type Config, type Variables } from './config.ts'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const vendors = ['openai', 'groq', 'mistral']

function accepted(text: string, variables: Variables = {}): Config {
  const result = parseConfig(text, variables, vendors)
  assert.ok(result.ok, result.ok ? '' : result.errors.map((error) => errorText(error, null)).join('\n'))
  return result.config
}
/** What it says, without the way to its places. */
const said = (config: Config): object => ({ ...config, locate: null })

function refused(text: string, variables: Variables = {}): string[] {
  const result = parseConfig(text, variables, vendors)
  assert.ok(!result.ok, 'the text was accepted')
  return result.errors.map((error) => errorText(error, null))
}

test('an empty file, and sections whose lines are all comments, are an empty configuration', () => {
  const empty = accepted('')
  assert.deepEqual(said(accepted('# nothing\nserver:\nproviders:\n  # groq:\naliases:\n')), said(empty))
  assert.deepEqual(empty.providers, [])
  assert.equal(empty.server.port, null)
})

test('the published example is valid, and the committed JSON Schema is current', () => {
  const config = accepted(read('deploy/megarouter.example.yaml'))
  assert.equal(config.providers.length, 3)
  assert.equal(config.deployments[0]?.price?.base.input, 100_000_000)
  assert.deepEqual(JSON.parse(read('schemas/megarouter.schema.json')), JSON.parse(JSON.stringify(jsonSchema())), 'write it with: npx megarouter config schema')
})

test('budget and limits of the organisation are exact; null takes them away, and what is absent is not declared', () => {
  const text = 'settings:\n  budget: { limit_usd: "${LIMIT}", period: month }\n  rate_limit: { rpm: "${RPM}", spend_usd_per_minute: 0.000000001 }\n'
  const { settings } = accepted(text, { LIMIT: '8999999.123456789', RPM: '600' })
  assert.deepEqual(settings.budget, { limitNano: 8_999_999_123_456_789, period: 'month', mode: 'standard' })
  assert.deepEqual(settings.rateLimit, { rpm: 600, tpm: null, concurrency: null, spendNano: 1 })
  const none = accepted('settings: { budget: null, rate_limit: {} }').settings
  assert.deepEqual([none.budget, none.rateLimit], [null, null])
  const absent = accepted('settings: { organisation: ACME }').settings
  assert.deepEqual(['budget' in absent, 'rateLimit' in absent], [false, false])
  assert.deepEqual(refused('settings:\n  budget: { limit_usd: 0.0000000001, period: month }\n  rate_limit: { rpm: 0, spend_usd_per_minute: 0, tmp: 5 }\n'), [
    'megarouter.yaml:2:24 settings.budget.limit_usd: must be an amount in US dollars such as 25.50, with at most 9 decimals and at most 9000000',
    'megarouter.yaml:3:22 settings.rate_limit.rpm: must be at least 1',
    'megarouter.yaml:3:47 settings.rate_limit.spend_usd_per_minute: must be above 0; to stop requests altogether, disable the key',
    'megarouter.yaml:3:50 settings.rate_limit.tmp: unknown key: did you mean "tpm"?',
  ])
  assert.deepEqual(refused('settings: { budget: 5 }'), ['megarouter.yaml:1:21 settings.budget: must be a mapping (name: value) or null'])
})

test('every mistake is told with line, column, path and what to do, all at once', () => {
  assert.deepEqual(refused([
    'server:',
    '  prt: 1',
    '  port: high',
    'providers:',
    '  grok:',
    '  openai:',
    '    credentials:',
    '      - {name: a, secret: b, extra: 1}',
    '      - 5',
    'aliases:',
    '  fast: {strategy: weigthed, targets: [a]}',
    'settings: {retention: 5, deadlines: {total_ms: 1.5}}',
  ].join('\n')), [
    'megarouter.yaml:2:3 server.prt: unknown key: did you mean "port"?',
    'megarouter.yaml:3:9 server.port: must be a number',
    'megarouter.yaml:8:30 providers.openai.credentials[0].extra: unknown key; known are name, secret, at',
    'megarouter.yaml:9:9 providers.openai.credentials[1]: must be text or {name, secret}',
    'megarouter.yaml:11:20 aliases.fast.strategy: must be one of ordered, weighted',
    'megarouter.yaml:12:23 settings.retention: must be a mapping (name: value)',
    'megarouter.yaml:12:48 settings.deadlines.total_ms: must be a whole number',
  ])
})

test('a name that refers to nothing is told with the nearest name', () => {
  assert.match(refused('providers:\n  grok:\n')[0] ?? '', /:2:3 providers\.grok: there is no vendor "grok": did you mean groq\?/)
  assert.match(refused('providers:\n  mine: {vendor: mistrall}\n')[0] ?? '', /:2:18 providers\.mine\.vendor: .*did you mean mistral\?/)
  assert.match(refused('deployments:\n  - {model: a, provider: gorq, upstream_model: b}\n')[0] ?? '', /:2:26 deployments\[0\]\.provider: .*did you mean groq\?/)
  assert.match(refused('deployments:\n  - {model: a, provider: groq, upstream_model: b}\n  - {model: c, provider: groq, upstream_model: b}\n')[0] ?? '', /:3:5 .*"groq\/b" is declared above/)
  assert.match(refused('aliases: {a: {strategy: weighted, targets: [{model: b, weight: 0}]}}')[0] ?? '', /all weights are 0/)
})

test('a server of one’s own needs a base_url and no vendor', () => {
  const [provider] = accepted('providers:\n  mine: {base_url: "http://127.0.0.1:8000/v1/"}\n').providers
  assert.deepEqual(provider, { id: 'mine', vendor: null, baseUrl: 'http://127.0.0.1:8000/v1', name: null, credentials: [], enabled: true })
  assert.match(refused('providers:\n  mine: {base_url: "ftp://x"}\n')[0] ?? '', /must be an http/)
  assert.match(refused('providers:\n  mine: {base_url: "http://user:pass@x"}\n')[0] ?? '', /without credentials/)
})

test('variables are filled in, defaults apply to unset and to empty ones, and $${ stays literal', () => {
  const text = 'server:\n  host: h-${A}-${B:-b}\n  port: ${PORT:-9000}\nproviders:\n  openai:\n    credentials:\n      - ${KEY}\n      - $${KEY}\n'
  const config = accepted(text, { A: 'a', B: '', KEY: '12345' })
  assert.equal(config.server.host, 'h-a-b')
  assert.equal(config.server.port, 9000)
  assert.deepEqual(config.providers[0]?.credentials.map(({ secret }) => secret), ['12345', '${KEY}'])
})

test('a missing or malformed variable is an error at its own place', () => {
  assert.deepEqual(refused('server:\n  host: x-${GONE}\n  tls_cert: ${1}\n  tls_key: ${OPEN\n'), [
    'megarouter.yaml:2:11 server.host: the variable GONE is not set: set it, or give a default as ${GONE:-default}',
    'megarouter.yaml:3:13 server.tls_cert: write ${NAME} or ${NAME:-default}; a literal ${ is written $${',
    'megarouter.yaml:4:12 server.tls_key: write ${NAME} or ${NAME:-default}; a literal ${ is written $${',
  ])
  assert.match(refused('providers: {openai: {credentials: [${KEY}]}}')[0] ?? '', /in quotes/)
})

test('a value from a variable can never add structure to the file', () => {
  const config = accepted('server:\n  host: ${EVIL}\n', { EVIL: 'x\nproviders: {openai: {}}' })
  assert.deepEqual(config.providers, [])
})

test('a time zone is a name; an offset, by which periods would begin at odd minutes, is refused with the zones that are taken', () => {
  for (const zone of ['Europe/Berlin', 'Asia/Kathmandu', 'UTC', 'Etc/GMT-14']) assert.equal(accepted(`settings: {time_zone: "${zone}"}`).settings.timeZone, zone)
  for (const zone of ['+05:07', '-08:30', '+0530', 'Mars/Olympus']) assert.match(refused(`settings: {time_zone: "${zone}"}`).join(), /time_zone.*must be the name of an IANA time zone, such as Europe\/Berlin or UTC; offsets such as \+05:30 are not taken/)
})

test('no error repeats a value, since a value may be a secret', () => {
  const canary = 'sk-canary-1234567890'
  for (const text of [
    `server: {port: ${canary}}`, `providers: {openai: {base_url: ${canary}}}`, 'server: {port: "${K}"}', 'settings: {time_zone: "${K}", unknown_price: "${K}"}',
    'providers: {openai: {credentials: [{name: a, secrte: "${K}"}]}}',
  ]) for (const line of refused(text, { K: canary })) assert.doesNotMatch(line, /canary/)
  const result = environment({ PORT: canary, DATABASE_URL: canary, TLS_CERT: canary, LOG_LEVEL: canary, MEGAROUTER_ADMIN_TOKEN: 'canary' })
  assert.ok(!result.ok)
  for (const error of result.errors) assert.doesNotMatch(errorText(error, null), /canary/)
})

test('prices become exact integer nano-dollars; classes left out take their parent’s price', () => {
  const text = (input: string) => `deployments: [{model: m, provider: groq, upstream_model: u, price: {input: ${input}, output: "2.000000001", cache_read: 0}}]`
  const price = accepted(text('0.0375')).deployments[0]?.price
  assert.deepEqual(price?.base, {
    input: 37_500_000, cacheRead: 0, cacheWrite5m: 37_500_000, cacheWrite1h: 37_500_000, output: 2_000_000_001, reasoning: 2_000_000_001,
    audioIn: 37_500_000, audioOut: 2_000_000_001, imageIn: 37_500_000, imageOut: 2_000_000_001, toolCalls: 0, requests: 0, images: 0, audioMs: 0, characters: 0, searches: 0,
  })
  assert.equal(accepted(text('0.0375')).deployments[0]?.price?.version, price?.version)
  assert.notEqual(accepted(text('0.0376')).deployments[0]?.price?.version, price?.version)
  for (const bad of ['-1', '1e4x', '.inf', '.nan', '"1.0000000001"', '1e-10']) refused(text(bad))
})

test('any price with up to 9 decimals is read without rounding', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 46 }), (nano) => {
    const digits = String(nano).padStart(10, '0')
    const price = accepted(`deployments: [{model: m, provider: groq, upstream_model: u, price: {input: "${digits.slice(0, -9)}.${digits.slice(-9)}", output: 1}}]`)
    assert.equal(price.deployments[0]?.price?.base.input, nano)
  }), { numRuns: 200 })
})

test('text that is broken in any way gives an error with a place, never a crash', () => {
  const example = read('deploy/megarouter.example.yaml')
  const hostile = ['[', '{', '}', ']', ':', '\t', '&a ', '*a', '? ', '- ', '!!map ', '${', '"', "'", '|', '\u0000', '\uFEFF', '__proto__:', '0x', '\n']
  fc.assert(fc.property(fc.nat(example.length), fc.nat(40), fc.constantFrom(...hostile), (at, cut, insert) => {
    const result = parseConfig(example.slice(0, at) + insert + example.slice(at + cut), {}, vendors)
    if (!result.ok) for (const error of result.errors) assert.ok(error.line !== null && error.line >= 1 && error.message !== '')
  }), { numRuns: 300 })
  assert.match(refused('['.repeat(100_000))[0] ?? '', /nested too deeply/)
  assert.match(refused(`a: &a [x]\nb: &b [${'*a,'.repeat(99)}*a]\nc: [${'*b,'.repeat(99)}*b]`)[0] ?? '', /anchors/)
  assert.match(refused('#'.repeat(8 * 1024 * 1024 + 1))[0] ?? '', /larger than/)
  refused('a: 1\na: 2')
})

test('a file that was named must exist; the default file need not', () => {
  const files = (code: string) => ({ readFileSync: (): string => { throw Object.assign(new Error(code), { code }) } })
  const none = loadConfig(null, {}, [], files('ENOENT'))
  assert.deepEqual(none.ok && [none.path, said(none.config)], [null, said(accepted(''))])
  for (const [path, code] of [['x.yaml', 'ENOENT'], [null, 'EACCES']] as const) {
    const result = loadConfig(path, {}, [], files(code))
    assert.ok(!result.ok && result.path !== null)
  }
  assert.ok(loadConfig('x.yaml', {}, [], { readFileSync: () => 'server: {port: 1}' }).ok)
})

test('the environment has defaults, wins over the file, and treats empty as unset', () => {
  const result = environment({ PORT: '9999', HOST: '', MEGAROUTER_TRUSTED_PROXIES: '10.0.0.0/8, ::1', MEGAROUTER_SIMULATED: '1' })
  assert.ok(result.ok)
  assert.equal(result.environment.dataDir, './data')
  assert.equal(result.environment.simulated, true)
  const config = accepted('server: {host: "::1", port: 7777, admin_port: 7778, tls_cert: c, tls_key: k}')
  assert.deepEqual(serverSettings(result.environment, config), {
    host: '::1', port: 9999, adminPort: 7778, trustedProxies: ['10.0.0.0/8', '::1'], tls: { cert: 'c', key: 'k' },
  })
  const bare = environment({})
  assert.ok(bare.ok)
  assert.deepEqual(serverSettings(bare.environment, accepted('')), { host: '127.0.0.1', port: 8080, adminPort: null, trustedProxies: [], tls: null })
})

test('wrong, short or lonely variables are refused by name', () => {
  const paths = (variables: Variables) => {
    const result = environment(variables)
    return result.ok ? [] : result.errors.map(({ path }) => path)
  }
  assert.deepEqual(paths({ PORT: '70000' }), ['PORT'])
  assert.deepEqual(paths({ PORT: '80 80' }), ['PORT'])
  assert.deepEqual(paths({ MEGAROUTER_ADMIN_TOKEN: 'short' }), ['MEGAROUTER_ADMIN_TOKEN'])
  assert.deepEqual(paths({ DATABASE_URL: 'postgres://h/d' }), ['MEGAROUTER_MASTER_KEY'])
  assert.deepEqual(paths({ DATABASE_URL: 'postgres://h/d', MEGAROUTER_MASTER_KEY: 'k'.repeat(31) }), ['MEGAROUTER_MASTER_KEY'])
  assert.deepEqual(paths({ DATABASE_URL: 'mysql://h/d', MEGAROUTER_MASTER_KEY: 'k'.repeat(32) }), ['DATABASE_URL'])
  assert.deepEqual(paths({ TLS_CERT: 'c' }), ['TLS_CERT'])
  assert.deepEqual(paths({ MEGAROUTER_TRUSTED_PROXIES: '10.0.0.0/33' }), ['MEGAROUTER_TRUSTED_PROXIES'])
  assert.deepEqual(paths({ MEGAROUTER_SIMULATED: 'perhaps', MEGAROUTER_MODEL_LISTS: 'daily' }), ['MEGAROUTER_SIMULATED', 'MEGAROUTER_MODEL_LISTS'])
  const typo = environment({ MEGAROUTER_DATADIR: 'x' })
  assert.ok(typo.ok)
  assert.deepEqual(typo.warnings, ['MEGAROUTER_DATADIR is not a variable of MegaRouter: did you mean MEGAROUTER_DATA_DIR?'])
})

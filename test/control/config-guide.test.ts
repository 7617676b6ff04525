/** The published example of a governed organisation, and what is said of mistakes in one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorText, parseConfig } from '../../src/config.ts'
import { createKey as newKeyText } from '../../src/governance/key-format.ts'
import { vendors } from '../../src/providers/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { temporaryDirectory } from '../store/databases.ts'
import { instance } from './config-instance.ts'

const guide = readFileSync(new URL('../../docs/guides/configuration.md', import.meta.url), 'utf8')
const example = /## Example\n```yaml\n([^]*?)```/.exec(guide)![1]!
const variables = {
  CI_KEY: newKeyText(), OPS_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`, CHAT_URL: 'https://hooks.example.com/x', MAIL_PASSWORD: 'p', OIDC_SECRET: 's', GROQ_KEY: 'gsk-1-of-the-organisation', GROQ_RESEARCH_KEY: 'gsk-2-of-the-team',
}

test('the example of the guide is valid, is taken by an empty database, and is what comes out again', async () => {
  const folder = temporaryDirectory()
  const database = await openDatabase({ databaseUrl: null, dataDir: folder.path })
  try {
    const it = await instance(database, 5)
    await it.apply(example, variables)
    const exported = await it.exported()
    assert.deepEqual((await it.differences(exported)).changes, [])
  } finally {
    await database.close()
    folder.remove()
  }
})

function mistakes(text: string, more: Record<string, string> = {}): string[] {
  const parsed = parseConfig(text, { ...variables, ...more }, [...vendors.keys()])
  return parsed.ok ? [] : parsed.errors.map((error) => errorText(error, null))
}

test('a name that is not declared, or twice, is told with line, column and what may have been meant', () => {
  const text = [
    'teams:', '  Research: { projects: { Search: {} } }', 'users:', '  ada@example.com: { roles: [{ role: admn, at: Research/Serch }] }', '  ADA@example.com:', 'keys:',
    '  - { name: k, at: Reserch }', '  - { name: k, at: Reserch }', 'budgets:', '  - { name: b, subject: { project: Research }, limit_usd: 1, period: fortnight }',
    '  - { name: c, subject: { user: ad@example.com }, limit_usd: 1, period: day, thresholds: [{ share: 0.5, actions: [{ downgrade: cheap }] }] }', 'limits:', '  - { name: l, subject: { vendor: grok } }',
  ].join('\n')
  assert.deepEqual(mistakes(text.replace('fortnight', 'day')), [
    'megarouter.yaml:4:38 users.ada@example.com.roles[0].role: there is no role "admn" in this file: did you mean admin?',
    'megarouter.yaml:4:48 users.ada@example.com.roles[0].at: there is no team or project "Research/Serch" in this file: did you mean Research/Search?',
    'megarouter.yaml:5:19 users.ADA@example.com: ada@example.com is declared above: an address counts without regard to capitals',
    'megarouter.yaml:7:20 keys[0].at: there is no team or project "Reserch" in this file: did you mean Research?',
    'megarouter.yaml:8:13 keys[1].name: a key "Reserch/k" is declared above: a name is used once at a node',
    'megarouter.yaml:8:20 keys[1].at: there is no team or project "Reserch" in this file: did you mean Research?',
    'megarouter.yaml:10:36 budgets[0].subject.project: there is no project "Research" in this file: did you mean Research/Search?',
    'megarouter.yaml:11:33 budgets[1].subject.user: there is no user "ad@example.com" in this file: did you mean ada@example.com?',
    'megarouter.yaml:11:128 budgets[1].thresholds[0].actions[0].downgrade: there is no alias "cheap" in this file: declare it under aliases',
    'megarouter.yaml:13:5 limits[0]: limits nothing: give it rpm, tpm, concurrency or spend_usd_per_minute',
    'megarouter.yaml:13:35 limits[0].subject.vendor: there is no provider "grok" in this file: did you mean groq?',
  ])
  assert.match(mistakes(text)[0] ?? '', /:10:70 budgets\[0\]\.period: "fortnight" is no period/)
})

test('a mistake in a condition is told at its place inside of the text, in each way of writing it', () => {
  const policy = (when: string): string => `policies:\n  - name: p\n    subject: organisation\n    rules:\n      - effect: deny\n        when: ${when}\n`
  for (const [when, line, column] of [['request.hours > 5', 6, 15], ["'request.hours > 5'", 6, 16], ['|\n          true &&\n          request.hours > 5', 8, 11]] as const) {
    const [told] = mistakes(policy(when))
    const [, at, inside] = /^megarouter\.yaml:(\d+):(\d+) policies\[0\]\.rules\[0\]\.when: /.exec(told ?? '') ?? []
    assert.equal(at, String(line), told ?? '')
    assert.ok(Math.abs(Number(inside) - column) <= 'request.hours'.length, told ?? '')
  }
})

test('what could not be used is refused: forms of keys, roles at places where they have no effect, mail without a way, rules that contradict themselves', () => {
  for (const [text, expected] of [
    ['keys: [{ name: k, key: "mr-short" }]', /keys\[0\]\.key: is no key of MegaRouter: .* megarouter keys generate/],
    ['keys: [{ name: a, key: "${CI_KEY}" }, { name: b, key: "${CI_KEY}" }]', /another key above has the same text/],
    ['teams: { A: {} }\nusers: { a@b: { roles: [{ role: owner, at: A }] } }', /owner can be given for the whole organisation only/],
    ['service_accounts: { ci: { roles: [owner] } }', /owners are people/],
    ['roles: { Owner: { permissions: ["keys:read"] } }', /there is a role named Owner already/],
    ['roles: { X: { permissions: ["keys:raed"] } }', /Did you mean keys:read/],
    ['alert_channels: { m: { kind: smtp, host: mail.example.com, port: 25, tls: none, from: a@example.com, to: [b@example.com] } }', /Mail without TLS/],
    ['alert_channels: { w: { kind: webhook, url: "https://x.example", secret: "plain" } }', /A webhook secret is whsec_/],
    ['alert_channels: { w: { kind: pigeon } }', /alert_channels\.w/],
    ['oidc_providers: { x: { issuer: "http://id.example.com", client_id: c } }', /must be an https:\/\/ address/],
    ['budgets: [{ name: b, subject: organisation, limit_usd: 1, period: day, mode: soft, thresholds: [{ share: 1, actions: [block] }] }]', /A soft budget refuses nothing/],
    ['budgets: [{ name: b, subject: { team: A, user: b }, limit_usd: 1, period: day }]', /subject/],
    ['teams: { a: { teams: { b: { teams: { c: { teams: { d: { teams: { e: { teams: { f: { teams: { g: { teams: { h: { teams: { i: {} } } } } } } } } } } } } } } } } }', /deeper than 8 levels/],
    ['keys: [{ name: k, expires_at: "2464-01-27T00:00:00Z" }]', /from 1970 to 2199/],
    ['organisations: { acme: { keys: [{ name: k, at: Nowhere }] } }', /organisations\.acme\.keys\[0\]\.at: there is no team or project/],
  ] as const) assert.match(mistakes(text).join('\n'), expected, text)
})

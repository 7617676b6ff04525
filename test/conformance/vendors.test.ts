/** Every vendor of src/providers/ through the suite, and the suite itself: a vendor is one file, and a wrong declaration is found. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { vendors } from '../../src/providers/index.ts'
import type { Family, Vendor } from '../../src/providers/provider.ts'
import { dialectOf, dialects, type Dialect } from './dialects.ts'
import { checks, startBench, type Subject } from './suite.ts'

/** Vendors of other formats are tried by natives.test.ts, which says so if one is not. */
const withoutSimulated = [...vendors.values()].filter(({ simulated, formats }) => simulated !== true && formats.some(({ protocol }) => protocol === 'openai-chat'))
const subjects = withoutSimulated.map((vendor): Subject => ({ vendor, dialect: dialectOf(vendor) }))

const benchOf = await startBench(subjects)

for (const subject of subjects) {
  describe(`vendor ${subject.vendor.id}`, () => {
    for (const [name, check] of Object.entries(checks)) it(name, () => check(benchOf(subject)))
  })
}

/** Names of the checks that fail. */
async function failing(subject: Subject): Promise<string[]> {
  const bench = (await startBench([subject]))(subject)
  const failed: string[] = []
  for (const [name, check] of Object.entries(checks)) await Promise.resolve().then(() => check(bench)).catch(() => failed.push(name))
  return failed
}

const declared = (id: string): Vendor => structuredClone(vendors.get(id)!)
type Change = Partial<Omit<Vendor, 'quirks' | 'usage' | 'bounds'>> & { quirks?: Partial<Vendor['quirks']>; usage?: Partial<Vendor['usage']>; bounds?: Partial<Vendor['bounds']> }
const wrong = (id: string, change: Change): Subject => {
  const vendor = declared(id)
  return { vendor: { ...vendor, ...change, quirks: { ...vendor.quirks, ...change.quirks }, usage: { ...vendor.usage, ...change.usage }, bounds: { ...vendor.bounds, ...change.bounds } }, dialect: dialects[id]! }
}

/** As Google counts in its OpenAI-compatible form. */
const byTotal: Dialect = { ...dialects['groq']!, reasoning: 'hidden', error: 'a list', counts: { ...dialects['groq']!.counts, reasoning: 'total alone', reasoningInCompletion: false } }

it('thoughts that only the total has are counted where the declaration says so', async () => {
  const { vendor } = wrong('groq', { usage: { outputByTotal: true } })
  assert.deepEqual(await failing({ vendor, dialect: byTotal }), [])
})

describe('a declaration that does not fit its vendor is found', () => {
  const cases: [what: string, subject: Subject, found: RegExp][] = [
    ['another address', wrong('groq', { baseUrl: 'https://api.groq.com/v1' }), /documented address/],
    ['another variable', wrong('groq', { env: ['GROQ_KEY'] }), /variables/],
    ['a bearer key', wrong('azure', { auth: 'bearer' }), /plain answer/],
    ['a key in a header without "Bearer"', wrong('cloudflare-ai-gateway', { auth: { header: 'cf-aig-authorization' } }), /plain answer/],
    ['the role developer', wrong('moonshot', { quirks: { developerRole: true } }), /developer/],
    ['lists as content', wrong('morph', { quirks: { contentParts: true } }), /developer/],
    ['usage that is never sent unasked', wrong('cerebras', { quirks: { streamUsage: 'always' } }), /did not ask/],
    ['a wish that is refused', wrong('mistral', { quirks: { streamUsage: 'always' } }), /did not ask/],
    ['a field that does not bound', wrong('alibaba', { quirks: { maxTokensField: 'max_tokens' } }), /limit bounds/],
    ['both fields', wrong('llamacpp', { quirks: { otherLimit: 'bounds' } }), /limit bounds/],
    ['a limit that is raised', wrong('digitalocean', { bounds: { leastOutputTokens: 1 } }), /limit bounds/],
    ['cached tokens in the prompt', wrong('digitalocean', { usage: { promptIncludesCached: true } }), /plain answer/],
    ['reasoning in the completion', wrong('xai', { usage: { completionIncludesReasoning: true } }), /plain answer/],
    ['thoughts that only the total has', { vendor: declared('groq'), dialect: byTotal }, /plain answer/],
    ['errors that cost', wrong('azure', { billsErrors: [] }), /error/],
    ['errors that cost nothing', wrong('azure', { billsErrors: [400, 401, 408] }), /error/],
    ['a bill that stops', wrong('groq', { billsAfterAbort: false }), /leaves/],
    ['a bill that does not', wrong('openai', { billsAfterAbort: true }), /leaves/],
  ]
  for (const [what, subject, found] of cases) {
    it(`${subject.vendor.id}: ${what}`, async () => {
      const failed = await failing(subject)
      assert.ok(failed.some((name) => found.test(name)), failed.join('; ') || 'nothing failed')
    })
  }
})

describe('adding a vendor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter-vendors-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('takes one file, and the suite tries it', async () => {
    cpSync(new URL('../../src/providers/', import.meta.url), folder, { recursive: true })
    writeFileSync(join(folder, 'example-cloud.ts'), `/** Example Cloud. https://docs.example.com */
import { vendor } from './provider.ts'

export const exampleCloud = vendor({
  id: 'example-cloud', name: 'Example Cloud', docs: 'https://docs.example.com',
  baseUrl: 'https://{EXAMPLE_CLOUD_REGION}.example.com/v1', places: { EXAMPLE_CLOUD_REGION: 'region of the account' },
  auth: { header: 'x-api-key' }, usage: { promptIncludesCached: false, completionIncludesReasoning: false }, billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed', streamUsage: 'refuses_to_be_asked', contentParts: false },
})
`)
    const { vendors: found } = (await import(join(folder, 'index.ts'))) as { vendors: ReadonlyMap<string, Vendor> }
    assert.equal(found.size, vendors.size + 1)
    const vendor = found.get('example-cloud')!
    assert.deepEqual([vendor.env, vendor.baseUrlEnv], [['EXAMPLE_CLOUD_API_KEY'], 'EXAMPLE_CLOUD_BASE_URL'])
    assert.deepEqual(await failing({ vendor, dialect: dialectOf(vendor) }), [])
  })
})

it('every vendor that is written down is declared, and every rule of a family names models', () => {
  assert.deepEqual(Object.keys(dialects).filter((id) => !vendors.has(id)), [])
  for (const { id, families = [] } of vendors.values()) for (const { models, ...rules } of families as Family[]) assert.ok(models.length > 0 && Object.keys(rules).length > 0, id)
})

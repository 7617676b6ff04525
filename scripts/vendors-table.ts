/** Writes docs/vendors.md from the vendor declarations and the catalogue: `node scripts/vendors-table.ts`. A test fails when the page is out of date. */
import { writeFileSync } from 'node:fs'
import { loadCatalog } from '../src/catalog/load.ts'
import type { Family, Vendor } from '../src/providers/provider.ts'
import { vendors } from '../src/providers/index.ts'

const code = (text: string): string => `\`${text}\``
const codes = (texts: readonly string[]): string => texts.map(code).join(', ')

function switchedOnBy({ simulated, selfHosted, baseUrl, baseUrlEnv, env, places = {} }: Vendor): string {
  if (simulated === true) return 'the console, or the demo'
  if (selfHosted === true || baseUrl === undefined) return [code(baseUrlEnv), ...env.length > 0 ? [`key if it asks for one: ${codes(env)}`] : []].join('; ')
  return [env.map(code).join(' or '), ...Object.keys(places).map(code)].join(' and ')
}

function usage({ promptIncludesCached, completionIncludesReasoning, promptIncludesAudio, totalIncludesReasoning, outputByTotal }: Partial<Vendor['usage']>): string[] {
  return [
    ...promptIncludesCached === false ? ['cached tokens beside the prompt'] : [],
    ...completionIncludesReasoning === false ? [`reasoning beside the completion${totalIncludesReasoning === false ? ' and the total' : ''}`] : [],
    ...promptIncludesAudio === false ? ['audio beside the prompt'] : [],
    ...outputByTotal === true ? ['output by the total'] : [],
  ]
}

const otherOf = (field: Vendor['quirks']['maxTokensField']): string => (field === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens')
const usageInStreams = { on_request: [], always: ['usage in streams unasked'], refuses_to_be_asked: ['usage in streams unasked, `stream_options` taken out'] }

function limit({ maxTokensField: field, otherLimit }: Vendor['quirks']): string {
  return { bounds: `${code(field)}, ${code(otherOf(field))}`, renamed: `${code(field)}; ${code(otherOf(field))} renamed`, unknown: code(field) }[otherLimit]
}

function quirks({ auth, quirks: own, bounds }: Vendor): string[] {
  return [
    ...typeof auth !== 'object' ? [] : !('scheme' in auth) ? [`key in ${code(auth.header)}`] : [{ aws: 'requests are signed (AWS)', google: 'tokens of Google Cloud', entra: 'tokens of Entra ID' }[auth.scheme]],
    ...usageInStreams[own.streamUsage],
    ...own.developerRole ? [] : ['`developer` as `system`'],
    ...own.contentParts ? [] : ['lists of texts as one text'],
    ...own.nineLetterIds ? ['ids of calls of nine letters'] : [],
    ...own.thoughtWithCalls ? ['a thought beside earlier calls'] : [],
    ...own.drops.length > 0 ? [`without ${codes(own.drops)}`] : [],
    ...bounds.leastOutputTokens > 1 ? [`at least ${bounds.leastOutputTokens} output tokens`] : [],
    ...bounds.mostOutputTokens > 0 ? [`at most ${bounds.mostOutputTokens} output tokens`] : [],
    ...bounds.reasoningBeyondLimit ? ['reasoning beyond the limit'] : [],
    ...bounds.hidesReasoning ? ['may hide reasoning'] : [],
    ...bounds.priceVaries ? ['price varies'] : [],
    ...own.rateLimitHeaders === null ? [] : [`rate-limit headers: ${own.rateLimitHeaders}`],
  ]
}

function family({ models, usage: rules = {}, quirks: own = {}, billsAfterAbort }: Family): string {
  const differs = [...usage(rules), ...own.otherLimit === 'renamed' ? ['the other limit renamed'] : [], ...billsAfterAbort === false ? ['does not bill after an abort'] : []]
  return `${codes(models)}: ${differs.join(', ')}`
}

function bills({ billsAfterAbort, billsErrors }: Vendor): string {
  return [billsAfterAbort ? 'yes' : 'no', ...billsErrors.length > 0 ? [`and errors ${billsErrors.join(', ')}`] : []].join(' ')
}

function row(vendor: Vendor, models: number): string {
  return [
    code(vendor.id),
    vendor.docs === '' ? vendor.name : `[${vendor.name}](${vendor.docs})`,
    switchedOnBy(vendor),
    vendor.baseUrl === undefined ? '' : code(vendor.baseUrl),
    vendor.endpoints.join(', '),
    limit(vendor.quirks),
    [...quirks(vendor), ...(vendor.families ?? []).map(family)].join('; '),
    usage(vendor.usage).join('; ') || 'as OpenAI',
    bills(vendor),
    vendor.selfHosted === true || vendor.simulated === true ? '' : String(models),
  ].join(' | ')
}

export function page(): string {
  const titles = ['Id', 'Vendor', 'Switched on by', 'Base URL', 'Endpoints', 'Output limit', 'Quirks', 'Usage object', 'Bills after an abort', 'Models in the catalogue']
  const models = new Map<string, number>()
  for (const { vendor } of loadCatalog().entries) models.set(vendor, (models.get(vendor) ?? 0) + 1)
  return `# Vendors

Generated from \`src/providers/\` by \`node scripts/vendors-table.ts\`; the source of each fact is in the declaration's comment. How a vendor is switched on, and what
each column means, is in [the guide](guides/vendors.md).

| ${titles.join(' | ')} |
|${'---|'.repeat(titles.length)}
${[...vendors.values()].map(vendor => `| ${row(vendor, models.get(vendor.id) ?? 0)} |`).join('\n')}
`
}

if (import.meta.main) writeFileSync(new URL('../docs/vendors.md', import.meta.url), page())

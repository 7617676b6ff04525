/**
 * Copies the price list of the package `@pydantic/genai-prices` into src/catalog/data/, so that compiling needs no package:
 * `node scripts/import-genai-prices.ts`. Kept of each model are the exact ids by which the package knows it, its context window and its prices.
 * It fails when the package's bundle no longer names its providers in the form that is looked for.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { calcPrice, findProvider, type ConditionalPrice, type MatchLogic, type ModelInfo, type ModelPrice, type Provider } from '@pydantic/genai-prices'
import { secondSourceDate } from '../src/catalog/second-source.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'node_modules/@pydantic/genai-prices')
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }

/** The package exports look-ups only; its bundle has one provider's id on a line of its own, at this indentation. */
function providers(): Provider[] {
  const ids = [...readFileSync(join(folder, 'dist/index.js'), 'utf8').matchAll(/^ {4}id: "([^"]+)",$/gm)].map((match) => match[1]!)
  const found = ids.flatMap((id) => findProvider({ providerId: id }) ?? [])
  if (found.length < 40 || found.some((provider, index) => provider.id !== ids[index])) throw new Error('The bundle of genai-prices has another form: find the ids of its providers anew.')
  return found
}

const equals = (match: MatchLogic): string[] => 'equals' in match ? [match.equals] : 'or' in match ? match.or.flatMap(equals) : []

/** The model's own id, where it leads to the model, and the other ids that are named in full and not only in another case. */
function idsOf(provider: Provider, model: ModelInfo): string[] {
  const seen = new Map<string, string>()
  for (const id of [model.id, ...equals(model.match)]) {
    const found = calcPrice({}, id, { providerId: provider.id })
    if (found?.model === model && !seen.has(id.toLowerCase())) seen.set(id.toLowerCase(), id)
  }
  return [...seen.values()]
}

function listsOf(prices: ConditionalPrice[] | ModelPrice): unknown[] {
  const lists: ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }]
  return lists.map(({ constraint, prices: fields }) => ({
    ...constraint !== undefined && 'start_date' in constraint && { from: constraint.start_date },
    ...constraint !== undefined && 'start_time' in constraint && { daily: [constraint.start_time, constraint.end_time] },
    fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  }))
}

const data = {
  source: 'https://github.com/pydantic/genai-prices', package: `@pydantic/genai-prices ${version}`, licence: 'MIT', date: secondSourceDate,
  units: 'US dollars per million tokens (_mtok) or per thousand (_kcount)',
  providers: Object.fromEntries(providers().map((provider) => [provider.id, provider.models.map((model) => ({
    ids: idsOf(provider, model), ...model.name !== undefined && { name: model.name }, ...model.context_window !== undefined && { context: model.context_window },
    ...model.deprecated === true && { deprecated: true }, prices: listsOf(model.prices),
  })).filter(({ ids, prices }) => ids.length > 0 && prices.length > 0)])),
}
const target = join(root, `src/catalog/data/genai-prices-${secondSourceDate}.json.gz`)
writeFileSync(target, gzipSync(JSON.stringify(data), { level: 9 }))
console.log(`${target}: ${Object.keys(data.providers).length} providers, ${Object.values(data.providers).flat().length} models`)

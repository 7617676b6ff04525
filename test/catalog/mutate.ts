/** Makes broken and suspicious feeds of a real one, by seed: numbers that jump, members that vanish or change their type, and texts that are no JSON. */

export interface Feed { [vendor: string]: { models: Record<string, Record<string, unknown>> } & Record<string, unknown> }
type Random = () => number

const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)]!
const anyVendor = (feed: Feed, random: Random): string => pick(Object.keys(feed), random)
function anyModel(feed: Feed, random: Random): { vendor: string; id: string; model: Record<string, unknown> } | null {
  const vendor = anyVendor(feed, random)
  const models = feed[vendor]?.models
  const ids = typeof models === 'object' && models !== null ? Object.keys(models) : []
  if (ids.length === 0) return null
  const id = pick(ids, random)
  return { vendor, id, model: models![id]! }
}

const factors = [0.001, 0.1, 0.4, 0.499, 0.5, 0.51, 0.9, 1.1, 1.5, 1.9, 2, 2.001, 3, 10, 1000, 1e6]
const values: readonly unknown[] = [0, -1, -0.000001, 1e15, 1e308, '1', 'NaN', '', null, true, [], {}, [1], { base: 1 }, 0.1234567890123]
const scaled = (value: unknown, factor: number): unknown => typeof value === 'number' ? Number((value * factor).toPrecision(9)) : value

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function scaleCost(model: Record<string, unknown>, factor: number, fields?: readonly string[]): void {
  const cost = isObject(model) && isObject(model['cost']) ? model['cost'] : {}
  for (const field of Object.keys(cost)) if (field !== 'tiers' && (fields ?? [field]).includes(field)) cost[field] = scaled(cost[field], factor)
  if (fields !== undefined) return
  const tiers = cost['tiers']
  for (const tier of Array.isArray(tiers) ? tiers as Record<string, unknown>[] : []) if (typeof tier === 'object' && tier !== null) for (const field of Object.keys(tier)) if (field !== 'tier') tier[field] = scaled(tier[field], factor)
}

type Mutation = (feed: Feed, random: Random) => void
const onModel = (change: (model: Record<string, unknown>, random: Random, feed: Feed, vendor: string, id: string) => void): Mutation => (feed, random) => {
  const found = anyModel(feed, random)
  if (found !== null && isObject(found.model)) change(found.model, random, feed, found.vendor, found.id)
}
function costOf(model: Record<string, unknown>): Record<string, unknown> {
  if (!isObject(model['cost'])) model['cost'] = { input: 1, output: 1 }
  return model['cost'] as Record<string, unknown>
}

export const mutations: Readonly<Record<string, Mutation>> = {
  'a price times a factor': onModel((model, random) => scaleCost(model, pick(factors, random), [pick(['input', 'output', 'cache_read', 'cache_write'], random)])),
  'all prices of a model times a factor': onModel((model, random) => scaleCost(model, pick(factors, random))),
  'all prices of a vendor times a factor': (feed, random) => {
    const factor = pick(factors, random)
    for (const model of Object.values(feed[anyVendor(feed, random)]?.models ?? {})) if (isObject(model)) scaleCost(model, factor)
  },
  'all prices times a factor': (feed, random) => {
    const factor = pick(factors, random)
    for (const { models } of Object.values(feed)) for (const model of Object.values(models ?? {})) if (isObject(model)) scaleCost(model, factor)
  },
  'a price of another kind': onModel((model, random) => { costOf(model)[pick(['input', 'output', 'cache_read', 'reasoning'], random)] = pick(values, random) }),
  'a price that is gone': onModel((model, random) => { delete costOf(model)[pick(['input', 'output', 'cache_read'], random)] }),
  'a cost that is gone': onModel((model) => { delete model['cost'] }),
  'a new field of the cost': onModel((model, random) => { costOf(model)[pick(['video_second', 'citation', 'request', 'batch_input', 'constructor_'], random)] = 3 }),
  'a new tier': onModel((model, random) => { costOf(model)['tiers'] = [{ tier: { size: pick([1, 1000, 200_000, 1e9, -1], random) }, input: pick([0.01, 5, 5000], random), output: 10 }] }),
  'a tier of another kind': onModel((model, random) => { costOf(model)['tiers'] = pick<unknown>([{}, [1], [{}], [{ tier: 1 }], [{ tier: { size: 'x' } }], [{ tier: { size: 1, type: 'hour' }, input: 1 }], 'x', null], random) }),
  'limits that jump': onModel((model, random) => { model['limit'] = { context: pick([0, 1, 1000, 131_072, 10_000_000, 1e12, -5, 1.5], random), output: pick([0, 16, 8192, 1e9], random) } }),
  'a member of another kind': onModel((model, random) => { model[pick(['limit', 'modalities', 'cost', 'name', 'tool_call', 'release_date', 'status', 'experimental', 'knowledge'], random)] = pick(values, random) }),
  'modalities of another kind': onModel((model, random) => { model['modalities'] = pick<unknown>([{ input: ['text'], output: ['smell'] }, { input: 'text', output: ['text'] }, { input: [1], output: [] }, { input: ['text', 'image', 'audio'], output: ['text', 'image'] }], random) }),
  'a model that is gone': onModel((_model, _random, feed, vendor, id) => { delete feed[vendor]!.models[id] }),
  'a model under another name': onModel((model, _random, feed, vendor, id) => {
    delete feed[vendor]!.models[id]
    feed[vendor]!.models[`${id}x`] = model
  }),
  'two models that change places': (feed, random) => {
    const [a, b] = [anyModel(feed, random), anyModel(feed, random)]
    if (a !== null && b !== null && isObject(a.model) && isObject(b.model)) [a.model['cost'], b.model['cost']] = [b.model['cost'], a.model['cost']]
  },
  'half of a vendor that is gone': (feed, random) => {
    const models = feed[anyVendor(feed, random)]?.models ?? {}
    for (const id of Object.keys(models)) if (random() < 0.5) delete models[id]
  },
  'a vendor that is gone': (feed, random) => { delete feed[anyVendor(feed, random)] },
  'a vendor without models': (feed, random) => { feed[anyVendor(feed, random)]!.models = pick<unknown>([{}, null, [], 'x'], random) as Feed[string]['models'] },
  'a vendor under another name': (feed, random) => {
    const vendor = anyVendor(feed, random)
    feed[pick([`${vendor}-2`, `${vendor} `, 'x'.repeat(100), '../x', ''], random)] = feed[vendor]!
    delete feed[vendor]
  },
  'a model with an impossible id': (feed, random) => {
    const found = anyModel(feed, random)
    if (found !== null) feed[found.vendor]!.models[pick(['', ' ', 'a b', 'x'.repeat(1000), 'a\u0000b', 'toString', 'hasOwnProperty'], random)] = found.model
  },
  'a model that joins a group': onModel((model, random, feed) => {
    const other = anyModel(feed, random)
    if (other !== null && isObject(feed[other.vendor]?.models)) feed[other.vendor]!.models['openai/gpt-5.1'] = { ...model, cost: { input: 0.000001, output: 0.000001 } }
  }),
  nothing: () => undefined,
}

/** Changes of the text: most make it no JSON, or JSON that a parser would take silently. */
export const distortions: Readonly<Record<string, (text: string, random: Random) => string>> = {
  'cut off': (text, random) => text.slice(0, Math.floor(text.length * random())),
  'a character changed': (text, random) => {
    const at = Math.floor(text.length * random())
    return text.slice(0, at) + pick(['"', '{', '}', ',', '0', '-', '\\', '\u0000'], random) + text.slice(at + 1)
  },
  'a number without end': (text, random) => text.replace(/"input":\d[\d.]*/, `"input":${pick(['1e400', '-1e400', 'NaN', 'Infinity', '1e-400', '0x10', `1${'0'.repeat(500)}`, '00.1'], random)}`),
  'a member twice': (text, random) => text.replace(/"output":([\d.]+)/, pick(['"output":$1,"output":$1', '"output":$1,"outpu\\u0074":99'], random)),
  'a model twice': (text) => text.replace(/"models":\{("[^"]+"):/, '"models":{$1:{"cost":{"input":99,"output":99}},$1:'),
  'a prototype': (text, random) => text.replace('"cost":{', `"cost":{"${pick(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'], random)}":{"input":1},`),
  'nested without end': (text, random) => text.replace('"cost":{', `"cost":{"deep":${'['.repeat(10 ** Math.floor(2 + random() * 4))},`),
  'another document': (_text, random) => pick(['', '[]', '{}', 'null', '1', '"x"', '<!doctype html><p>Not found', '{"openai":null}', '{"openai":{"models":null}}', '{"format":3}', '{"format":2,"vendors":{}}', '{"providers":{}}', '{"error":"rate limited"}'], random),
  'a mark before it': (text) => `\uFEFF${text}`,
  'padding behind it': (text, random) => text + pick(['x', ' {}', '\n\n', ']'], random),
}

/** What a feed may say; the others are what it must not. */
const plausible = new Set([
  'a price times a factor', 'all prices of a model times a factor', 'all prices of a vendor times a factor', 'all prices times a factor', 'a price that is gone', 'a cost that is gone',
  'a new field of the cost', 'a model that is gone', 'a model under another name', 'two models that change places', 'half of a vendor that is gone', 'a vendor that is gone', 'a model that joins a group', 'nothing',
])

/** One to four changes: of every feed that is not distorted as a text two thirds say nothing impossible. */
export function mutate(feed: Feed, random: Random): { text: string; what: string[] } {
  const changed = structuredClone(feed)
  const what: string[] = []
  const names = Object.keys(mutations).filter((name) => plausible.has(name) || random() < 0.1)
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const name = pick(names, random)
    what.push(name)
    if (Object.keys(changed).length > 0) mutations[name]!(changed, random)
  }
  const text = JSON.stringify(changed)
  if (random() >= 0.25) return { text, what }
  const name = pick(Object.keys(distortions), random)
  return { text: distortions[name]!(text, random), what: [...what, name] }
}

/**
 * Why two price lists differ in one class: decided by code from what both lists say, and by a reviewed list only where the data
 * can't decide. A difference without a cause stays unexplained.
 */
import { readFileSync } from 'node:fs'
import { expandPrices } from '../../src/catalog/artefact.ts'
import type { CatalogEntry } from '../../src/catalog/catalog.ts'
import { groupKey, plainName } from '../../src/catalog/naming.ts'
import type { PriceList, PriceVector, UsageClass } from '../../src/catalog/price.ts'
import { exactPrice, nearestNano, type TheirPrice } from './theirs.ts'

export const causes = {
  'theirs lacks this class': 'They price it as its parent (an hour\'s cache write as five minutes\', cached input as fresh).',
  'ours lacks this class': 'Our data price it as its parent.',
  'ours prices all output by its dearest medium': 'Our data list one price for the output of an image model, the image\'s.',
  'theirs lacks the context tier': 'The plain prices agree; our dearer tier is missing there.',
  'ours lacks the context tier': 'The plain prices agree; their dearer tier is missing here.',
  'tier bound ≥ vs >': 'The tiers agree and begin one token apart.',
  'price changed after our data set\'s date': 'Another dated price of theirs is ours.',
  'theirs is the maker\'s price': 'Their provider has no price of its own for the model and falls back on another provider\'s.',
  'different model behind the same id': 'Their pattern leads our id to another model.',
  'one list is rounded': 'The longer number, rounded to the digits of the shorter, is the shorter.',
  'converted from another currency': 'They convert the price list of another currency.',
  'market price': 'OpenRouter\'s prices are those of its cheapest host and move daily; the lists are 12 weeks apart.',
  'one source is wrong or older': 'Reviewed by hand, with evidence.',
} as const
export type Cause = keyof typeof causes

export interface Pair { entry: CatalogEntry & { price: PriceVector }; theirs: TheirPrice }

interface Review { vendor: string; models: string[]; classes?: UsageClass[]; evidence: string }
const reviews = JSON.parse(readFileSync(new URL('../../src/catalog/fixtures/price-reviews.json', import.meta.url), 'utf8')) as Review[]
const used = new Set<Review>()

export const reviewOf = ({ vendor, upstreamModel }: CatalogEntry, name: UsageClass): string | undefined => {
  const found = reviews.find(each => each.vendor === vendor && each.models.includes(upstreamModel) && (each.classes ?? [name]).includes(name))
  if (found !== undefined) used.add(found)
  return found?.evidence
}

/** Reviews that no difference needs any more. */
export const staleReviews = (): string[] => reviews.filter(each => !used.has(each)).map(({ vendor, models }) => `${vendor}/${models.join(', ')}`)

/** One class of both lists in nano-dollars per million. */
export interface Sides {
  ours: { own: boolean; base: number; tiers: { above: number; price: number }[] }
  theirs: { own: boolean; base: number; tiers: { above: number; price: number }[] }
}

export function sidesOf(list: PriceList, { list: their }: TheirPrice, name: UsageClass): Sides {
  const { own, perMillion, tiers } = exactPrice(their, name)
  const steps = (base: number, all: { above: number; price: number }[]): { above: number; price: number }[] =>
    all.filter(({ price }, index) => price !== (index === 0 ? base : all[index - 1]!.price))
  const [base, theirBase] = [list.base[name], nearestNano(perMillion)]
  return {
    ours: { own: isOwn(list, name), base, tiers: steps(base, list.tiers.map(tier => ({ above: tier.aboveInputTokens, price: tier.prices[name] }))) },
    theirs: { own, base: theirBase, tiers: steps(theirBase, tiers.map(tier => ({ above: tier.start, price: nearestNano(tier.perMillion) }))) },
  }
}

/** Whether the class costs something else than what it would cost without a price of its own. */
function isOwn({ base, tiers }: PriceList, name: UsageClass): boolean {
  if (name === 'input' || name === 'output') return true
  return [base, ...tiers.map(tier => tier.prices)].some(prices => expandPrices({ ...prices, [name]: undefined } as Partial<typeof prices>)[name] !== prices[name])
}

export const agree = ({ ours, theirs }: Sides): boolean => ours.base === theirs.base && sameTiers(ours.tiers, theirs.tiers, 0)

const sameTiers = (a: { above: number; price: number }[], b: { above: number; price: number }[], slack: number): boolean =>
  a.length === b.length && a.every(({ above, price }, index) => Math.abs(above - b[index]!.above) <= slack && price === b[index]!.price)

export function causeOf({ entry, theirs }: Pair, name: UsageClass, sides: Sides, dated: readonly Sides[]): Cause | null {
  const { ours, theirs: their } = sides
  if (!theirs.own) return 'theirs is the maker\'s price'
  if (ours.own && !their.own) return 'theirs lacks this class'
  if (!ours.own && their.own) return 'ours lacks this class'
  if (ours.base === their.base && sameTiers(ours.tiers, their.tiers, 1)) return 'tier bound ≥ vs >'
  if (ours.base === their.base && their.tiers.length === 0) return 'theirs lacks the context tier'
  if (ours.base === their.base && ours.tiers.length === 0) return 'ours lacks the context tier'
  if (name === 'output' && exactPrice(theirs.list, 'imageOut').own && nearestNano(exactPrice(theirs.list, 'imageOut').perMillion) === ours.base) return 'ours prices all output by its dearest medium'
  if (groupKey(plainName(entry.vendor, theirs.model.id)) !== groupKey(plainName(entry.vendor, entry.upstreamModel))) return 'different model behind the same id'
  if (dated.some(agree)) return 'price changed after our data set\'s date'
  if (isRounded(ours.base, their.base)) return 'one list is rounded'
  if (/converted to USD/.test(theirs.provider.price_comments ?? '')) return 'converted from another currency'
  if (entry.vendor === 'openrouter') return 'market price'
  return reviewOf(entry, name) === undefined ? null : 'one source is wrong or older'
}

/**
 * 0.0485 and 0.049: the shorter has at least two decimals, and the longer is half a unit of its last one away at most. Nearer than a
 * twentieth is no rounding of a price that somebody would print, but an error of its own.
 */
function isRounded(a: number, b: number): boolean {
  const decimals = (nano: number): number => String(nano / 1e9).split('.')[1]?.length ?? 0
  const [short, long] = decimals(a) < decimals(b) ? [a, b] : [b, a]
  const parts = Math.abs(short - long) / 10 ** (9 - decimals(short))
  return decimals(short) < decimals(long) && decimals(short) >= 2 && parts <= 0.5 && parts >= 0.05
}

/** What attempts of the ledger's models are about: one deployment, keys with their places, and what an attempt counts for. */
import type { Asked } from '../../src/gateway/exchange.ts'
import { noRateLimit, unplaced, type Budget, type Deployment, type KeyEntry, type OrganisationData } from '../../src/gateway/snapshot.ts'
import type { Account } from '../../src/ledger/account.ts'
import type { HoldRecord, Target, Tenant } from '../../src/ledger/records.ts'
import { vendor } from '../../src/providers/provider.ts'
import { usageClasses, type Prices } from '../../src/catalog/price.ts'
import { spanOf } from './reference.ts'

/** One nano-dollar for each unit. */
const prices = Object.fromEntries(usageClasses.map((name) => [name, name === 'requests' || name === 'toolCalls' ? 0 : 1e6])) as Prices

export const deployment: Deployment = {
  id: 'up/m', identity: 'o1/up/m', upstreamModel: 'm', logicalModel: 'm', group: null, contextTokens: 0, outputTokens: 0, reasoning: false, outputModalities: ['text'],
  price: { version: 'p1', base: prices, tiers: [] },
  provider: { id: 'up', identity: 'o1/up', vendor: vendor({ id: 'up', name: 'Up', docs: '', baseUrl: 'http://127.0.0.1/v1' }), baseUrl: 'http://127.0.0.1/v1', origin: 'http://127.0.0.1', pathPrefix: '/v1', socketPath: null, guarded: false, own: null, isOpen: true, credentials: [] },
}

/** An embedding of so many bytes: it costs about half as many nano-dollars as an estimate, and a little more than that in the worst case. */
export function askedFor(bodyBytes: number): Asked {
  const shape = { messages: 1, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  return {
    model: 'm', written: 'm', stream: false, usageInStream: false, maxOutputTokens: null, choices: 1, estimatedInputTokens: bodyBytes, maxTokens: null, maxCompletionTokens: null,
    reasoningOff: true, byPieces: false, bodyBytes, size: { mayCarryMedia: () => false, shape: () => shape },
  }
}

export const target: Target = { vendor: 'up', provider: 'up', deployment: 'up/m', model: 'm', upstreamModel: 'm', priceVersion: 'p1' }

/** What an attempt counts for, in words of its own. */
export const countedFor = ({ tenant: { org, key, user, serviceAccount, path }, target: { model, vendor: by }, marks }: Pick<HoldRecord, 'tenant' | 'target' | 'marks'>): string[] => [
  `org:${org}`, ...path, `key:${key}`, ...(user === null ? [] : [`user:${user}`]), ...(serviceAccount === null ? [] : [`service_account:${serviceAccount}`]), `model:${org}/${model}`, `vendor:${org}/${by}`, ...marks,
]

/** Teams, projects, users and service accounts of the keys here. */
export const places: Record<string, Partial<Tenant>> = {
  k1: { team: 't2', project: 'p1', user: 'u1', path: ['team:t1', 'team:t2', 'project:p1'] }, k2: { team: 't1', serviceAccount: 's1', path: ['team:t1'] }, k3: { user: 'u3' },
}

export const organisation = (id: string, budget: Budget | null, timeZone: string): OrganisationData => ({ id, name: id, timeZone, budget, rateLimit: noRateLimit })

export const keyEntry = (id: string, org: string, version: number, budget: Budget | null): KeyEntry => ({
  id, version, hash: new Uint8Array(32), status: 'active', name: id, org, team: null, project: null, user: null, models: null, budget, rateLimit: noRateLimit, expiresAt: null, ...unplaced,
})

/** First instant of the quarter with which the window ends that a rolling account shows: it judges charges of a day before it. */
export const shownMs = ({ period, startMs }: Account): number => (spanOf(period) > 0 ? startMs + 86_400_000 : 0)
/** First instant of that window. */
export const windowStart = (account: Account): number => shownMs(account) - spanOf(account.period)

/**
 * The rig of translation: recorded vendors of every wire format behind the real data plane, which runs in this process so that a vendor can
 * be declared that speaks one format alone. A client's name of a recording is `at-<id>`. Whatever fails by itself stands at a provider of
 * its own, so that it stands before no other.
 */
import { usageClasses, type Prices } from '../../src/catalog/price.ts'
import type { ProviderData } from '../../src/gateway/snapshot.ts'
import { anthropicInvoke } from '../../src/protocols/anthropic-clouds.ts'
import { protocols } from '../../src/protocols/index.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { vendors } from '../../src/providers/index.ts'
import { vendor, type SpokenFormat, type Vendor } from '../../src/providers/provider.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { recordings, type RecordedExchange, type RecordedFormat } from '../fixtures/recorded.ts'
import { startRig, type Rig } from '../gateway/harness.ts'
import { nanoPerMillion, type PriceTable } from '../upstream/bill.ts'
import { pricesFor } from './prices.ts'
import { startRecordedUpstream, type RecordedUpstream } from './recorded-upstream.ts'
import { proof } from './sample.ts'

/** A recording, and the format that its vendor spoke. */
export interface Recorded extends RecordedExchange { protocol: Protocol }

const recordedAs: Readonly<Record<string, RecordedFormat>> = { 'openai-chat': 'openai' }

/** Claude at Bedrock: Anthropic's format in frames, which has clients of its own. */
const invoke: Protocol = { ...anthropicInvoke, id: 'bedrock-invoke' }

/** Between Anthropic's format and it nothing is translated: bodies pass, and events in other frames. */
export const wireOf = ({ id }: Protocol): string => (id === invoke.id ? 'anthropic-messages' : id)

/** Those with conversations, as registered, and it. */
export const formats: readonly Protocol[] = [...protocols.values(), invoke].filter(({ codec }) => codec !== null)

/** Everything recorded of a format that is a conversation. */
export function recordedOf(protocol: Protocol): Recorded[] {
  const isChat = ({ endpoint, method }: RecordedExchange): boolean => method === 'POST' && !/^(completions|embeddings|models)$/.test(endpoint)
  const exchanges = [...recordings(recordedAs[protocol.id] ?? (protocol.id as RecordedFormat)).values()].filter(isChat).map((each) => ({ ...each, protocol }))
  // What other makers' models answer there is of formats that nobody else speaks; Converse serves those models.
  return protocol.id === 'bedrock-invoke' ? exchanges.filter(({ requestBody }) => requestBody!.includes('"anthropic_version"')) : exchanges
}

/** What was recorded of Claude at Bedrock's invoke, as a vendor of Anthropic's format in another wrapping. */
export const invoked = (): Recorded[] => recordedOf(invoke).map((each) => ({ ...each, protocol: protocols.get('anthropic-messages')! }))

/** With MEGAROUTER_PROOF=1 all; else so many of every vendor × stream × status, and the first with each feature. */
export function sampled(exchanges: readonly Recorded[], perGroup = 2): Recorded[] {
  if (proof) return [...exchanges]
  const counts = new Map<string, number>()
  const isFresh = (key: string): boolean => {
    counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts.get(key) === 1
  }
  return exchanges.filter(({ provider, stream, status, features }) => {
    const group = [provider, stream, status].join(' ')
    counts.set(group, (counts.get(group) ?? 0) + 1)
    const hasFresh = features.map((feature) => isFresh(`${stream} ${feature}`)).some(Boolean)
    return counts.get(group)! <= perGroup || hasFresh
  })
}

const waysOf = ({ formats, families = [] }: Vendor): SpokenFormat[] => [...formats, ...families.flatMap((family) => family.formats ?? [])]

/** The recorded vendor's declaration, or another's that speaks the format; then one of a server that does and departs in nothing. It speaks no other. */
export function vendorFor({ protocol, provider }: Pick<Recorded, 'protocol' | 'provider'>): Vendor {
  const format = protocol.id === invoke.id ? 'anthropic-messages' : protocol.id
  const spokenBy = (id: string): SpokenFormat | undefined => (vendors.has(id) ? waysOf(vendors.get(id)!).find((each) => each.protocol === format) : undefined)
  const others = protocol.id === 'openai-chat' ? [] : ['openai', ...vendors.keys()]
  const found = [provider, ...others].find(spokenBy)
  const declared = found === undefined ? vendor({ id: provider, name: `Recorded ${provider}`, docs: '' }) : vendors.get(found)!
  const spoken = (found === undefined ? undefined : spokenBy(found)) ?? { protocol: format }
  const family = declared.families?.find(({ formats }) => formats?.includes(spoken))
  return { ...declared, formats: [spoken], endpoints: ['chat'], families: [], ...(family?.proofs !== undefined && { proofs: family.proofs }) }
}

const providerOf = (exchange: Recorded): string => `${exchange.protocol.id}-${exchange.provider}${exchange.status === 200 ? '' : `-${exchange.id}`}`

export interface FormatRig extends Pick<Rig, 'url' | 'key' | 'records' | 'recorded' | 'publish'> {
  upstream: RecordedUpstream
  priceOf(id: string): PriceTable
  /** Vendors that failed rest, which is right, but must not colour the next comparison. */
  forget(): void
}

export const nameOf = (id: string): string => `at-${id}`
export const upstreamKey = 'sk-test-upstream'

const classNames: Readonly<Record<string, keyof PriceTable>> = {
  input: 'input', cacheRead: 'cachedInput', cacheWrite5m: 'cacheWrite', cacheWrite1h: 'cacheWrite', audioIn: 'audioInput', imageIn: 'imageInput',
  output: 'output', reasoning: 'reasoning', audioOut: 'audioOutput', imageOut: 'imageOutput',
}
const nanoPrices = (table: PriceTable): Prices => Object.fromEntries(usageClasses.map((name) => [name, Number(nanoPerMillion(table[classNames[name]!] ?? '0'))])) as Prices

/** Closes itself after the tests of the file. */
export async function startFormatRig(exchanges: readonly Recorded[]): Promise<FormatRig> {
  const upstream = await startRecordedUpstream(exchanges)
  const prices = new Map(exchanges.map(({ id }, index) => [id, pricesFor(index)]))
  const providers = new Map(exchanges.map((each): [string, ProviderData] => [providerOf(each), {
    id: providerOf(each), baseUrl: upstream.url, vendor: vendorFor(each), socketPath: null, guarded: false, credentials: [{ id: `key-${providerOf(each)}`, secret: upstreamKey, last4: 'eam' }],
  }]))
  const deadlines = { connectMs: 10_000, firstTokenMs: 60_000, idleMs: 60_000, totalMs: 120_000 }
  const rig = await startRig({ providers: () => [...providers.values()], attempts: 1, deadlines, closes: [() => upstream.close()] })
  rig.publish((organisation) => {
    organisation.deployments = exchanges.map((each) => ({
      id: nameOf(each.id), model: nameOf(each.id), provider: providerOf(each), upstreamModel: each.id, price: { version: 't', base: nanoPrices(prices.get(each.id)!), tiers: [] }, priceAs: null,
    }))
  })
  return { url: rig.url, key: rig.key, records: rig.records, recorded: rig.recorded, publish: rig.publish, upstream, priceOf: (id) => prices.get(id)!, forget: () => void Object.assign(rig.gateway.tools, { health: new HealthBook(() => 0.5), credentials: new CredentialTurns() }) }
}

/**
 * The test rig: an upstream, a gateway process in front of it with one declared deployment for each model, and a key.
 * The client's name of a deployment is `at-<upstream model>`, so that the model edit of each request is exercised.
 */
import { vendors } from '../../src/providers/index.ts'
import type { RecordedExchange } from '../fixtures/recorded.ts'
import { startGateway, type GatewayProcess } from '../gateway-process.ts'
import type { PriceTable } from '../upstream/bill.ts'
import { startUpstream, type Upstream } from '../upstream/server.ts'
import { pricesFor, yamlPrice } from './prices.ts'

export interface RigModel {
  upstreamModel: string
  /** A declared vendor's id, or any name for an OpenAI-compatible server of one's own. */
  provider: string
  /** The vendor whose declaration applies. */
  vendor: string | null
}

export interface RigOptions {
  models: RigModel[]
  settings?: Record<string, unknown>
  env?: Record<string, string>
  billFile?: string
  seed?: number
}

export interface Rig {
  upstream: Upstream
  gateway: GatewayProcess
  key: string
  close(): Promise<void>
}

/** What `src/providers/` declares to be served by the vendor today. All else is a server of one's own to the gateway. */
const isServed = ({ provider, endpoint }: RecordedExchange): boolean => {
  const vendor = vendors.get(provider)
  return vendor !== undefined && vendor.formats.some(({ protocol }) => protocol === 'openai-chat') && vendor.endpoints.includes(endpoint === 'chat.completions' ? 'chat' : (endpoint as 'completions' | 'embeddings'))
}

export const modelOf = (exchange: RecordedExchange): RigModel => {
  const { id, provider } = exchange
  return isServed(exchange) ? { upstreamModel: id, provider, vendor: provider } : { upstreamModel: id, provider: `recorded-${provider}`, vendor: null }
}

/** Client's name of an upstream model. */
export const nameOf = (upstreamModel: string): string => `at-${upstreamModel}`

/** JSON is YAML. */
export function configFor(models: readonly RigModel[], url: string, prices: Record<string, PriceTable>, settings: Record<string, unknown>): string {
  const providers = Object.fromEntries(models.map(({ provider, vendor }) => [provider, { ...(vendor === null ? {} : { vendor }), base_url: url, credentials: ['sk-test-upstream'] }]))
  const deployments = models.map(({ upstreamModel, provider }) => ({ model: nameOf(upstreamModel), provider, upstream_model: upstreamModel, price: yamlPrice(prices[upstreamModel]!) }))
  return JSON.stringify({ providers, deployments, settings })
}

export async function startRig({ models, settings = {}, env = {}, billFile, seed = 1 }: RigOptions): Promise<Rig> {
  const prices = Object.fromEntries(models.map(({ upstreamModel }, index) => [upstreamModel, pricesFor(index)]))
  const upstream = await startUpstream({ prices, seed, logEntries: 100_000, ...(billFile === undefined ? {} : { file: billFile }) })
  try {
    const gateway = await startGateway({ config: configFor(models, upstream.url, prices, settings), env })
    const { key } = await gateway.createKey()
    return { upstream, gateway, key, close: async () => { await gateway.remove(); await upstream.close() } }
  } catch (error) {
    await upstream.close()
    throw error
  }
}

/**
 * Which recorded exchanges are replayed: in `npm test` three of every vendor × endpoint × stream × status, and all with an odd
 * feature; with MEGAROUTER_PROOF=1 every one. Model lists are not replayed: the gateway answers those itself.
 */
import { recordedExchanges, type RecordedExchange } from '../fixtures/recorded.ts'

export const proof = process.env['MEGAROUTER_PROOF'] === '1'

const perGroup = 3
const oddFeatures = new Set(['audio_in', 'audio_out', 'video_in', 'pdf_or_doc_in', 'cache_control', 'reasoning_signature', 'n>1', 'safety_filter', 'stop'])
const oddTypes = /octet-stream/

export function replayable(): RecordedExchange[] {
  // Cohere's answer stands in its own form: test/gateway/embeddings-recorded.test.ts has it.
  return [...recordedExchanges().values()].filter(({ endpoint, provider }) => endpoint !== 'models' && !(endpoint === 'embeddings' && provider === 'cohere'))
}

const isOdd = (exchange: RecordedExchange): boolean =>
  exchange.features.some((feature) => oddFeatures.has(feature)) || exchange.elided.length > 0 || exchange.body.length === 0 ||
  oddTypes.test(exchange.headers['content-type']!) || (exchange.stream && exchange.body.includes('event: '))

export function sample(): RecordedExchange[] {
  const all = replayable()
  if (proof) return all
  const taken = new Map<string, number>()
  return all.filter((exchange) => {
    const group = [exchange.provider, exchange.endpoint, exchange.stream, exchange.status].join(' ')
    const count = (taken.get(group) ?? 0) + 1
    taken.set(group, count)
    return count <= perGroup || isOdd(exchange)
  })
}

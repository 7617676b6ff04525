/** Requests that are translated in tests: those of real clients as they sent them, and the bodies of recorded conversations. */
import { routeOf } from '../../src/gateway/routes.ts'
import type { JsonObject } from '../../src/protocols/canonical.ts'
import type { RequestPlace } from '../../src/protocols/codec.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { clientRequests } from '../fixtures/recorded.ts'
import { formats, recordedOf } from './format-rig.ts'

export interface Said { id: string; protocol: Protocol; body: JsonObject; place: RequestPlace; path: string; headers: Record<string, string> }

/** Of real tools and SDKs. */
export const ofClients = clientRequests().flatMap(({ id, method, path, headers, body }): Said[] => {
  const route = method === 'POST' ? routeOf(path.split('?')[0]!, path.split('?')[1] ?? '') : null
  if (route === null || route.endpoint.capability !== 'chat' || route.endpoint.counts) return []
  return [{ id, protocol: formats.find((each) => each.id === route.protocol.id)!, body: JSON.parse(body) as JsonObject, place: route.inPath, path, headers }]
})
/** Of conversations that were answered, in each format. */
export const recorded = formats.flatMap((protocol) => recordedOf(protocol).flatMap(({ id, requestBody, stream, status }): Said[] => (requestBody === null || status !== 200 ? [] : [{ id, protocol, body: JSON.parse(requestBody) as JsonObject, place: { model: 'm', stream }, path: '', headers: {} }])))

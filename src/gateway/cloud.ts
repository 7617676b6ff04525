/** What clients of a cloud say beside the body: betas, and headers that are read at that cloud alone. Elsewhere they are losses. */
import type { Loss } from '../protocols/codec.ts'
import type { Cloud } from '../protocols/protocol.ts'
import type { SpokenFormat } from '../providers/provider.ts'
import type { Exchange } from './exchange.ts'

/** Whether a vendor is the cloud that the client takes the gateway for. */
export const isHome = ({ errors }: Cloud, spoken: SpokenFormat): boolean => errors !== undefined && errors === spoken.errors

/** Those of the header, and of the body where clients of a cloud say them there. */
export function wishedBetas({ request, protocol, body, scan }: Exchange): string[] {
  const inHeader = String(request.headers['anthropic-beta'] ?? '').split(',').map((each) => each.trim()).filter((each) => each !== '')
  return [...new Set([...inHeader, ...protocol.cloud?.betas(body, scan!) ?? []])]
}

/** Adds the headers of the client's that the vendor reads. */
export function passHeaders({ protocol: { cloud }, request }: Exchange, spoken: SpokenFormat, headers: Record<string, string>): void {
  if (!cloud?.headers || !isHome(cloud, spoken)) return
  for (const name of cloud.headers.passed) if (request.headers[name] !== undefined) headers[name] = String(request.headers[name])
}

/** Headers that the vendor is not told. A guardrail changes what is answered. */
export function unsaidHeaders({ protocol: { cloud }, request }: Exchange, spoken: SpokenFormat): Loss[] {
  if (!cloud?.headers) return []
  const { begin, passed } = cloud.headers
  return Object.keys(request.headers).filter((name) => name.startsWith(begin) && !(isHome(cloud, spoken) && passed.includes(name)))
    .map((name) => ({ what: `the header ${name.slice(0, 60)}`, kind: passed.includes(name) ? 'meaning' : 'hint' }))
}

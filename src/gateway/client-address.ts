/** The address of the client: the peer's, or what a trusted chain of proxies says. Nothing else can set it. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

export function trustedProxies(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '')
const isTrusted = (address: string, trusted: BlockList): boolean => isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Walks `x-forwarded-for` from the right, past every trusted proxy. */
export function clientAddress(request: IncomingMessage, trusted: BlockList): string {
  let address = plain(request.socket.remoteAddress ?? '')
  if (trusted.rules.length === 0 || !isTrusted(address, trusted)) return address
  const hops = String(request.headers['x-forwarded-for'] ?? '').split(',').map((hop) => plain(hop.trim())).reverse()
  for (const hop of hops) {
    if (isIP(hop) === 0) break
    address = hop
    if (!isTrusted(hop, trusted)) break
  }
  return address
}

/** `x-forwarded-proto` as a trusted proxy said it, else null. */
export function forwardedProto(request: IncomingMessage, trusted: BlockList): string | null {
  const proto = request.headers['x-forwarded-proto']
  return typeof proto === 'string' && isTrusted(plain(request.socket.remoteAddress ?? ''), trusted) ? proto : null
}

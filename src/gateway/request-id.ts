/** Request ids: UUIDv7 in Crockford base 32, so that they sort by time and stay short in headers and URLs (RFC 9562 §5.7). */
import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.alloc(4096)
let used = pool.length

/** `req_` and 26 characters. `epochMs` is the time of arrival. */
export function newRequestId(epochMs: number): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = new Uint8Array(16)
  bytes.set(pool.subarray(used, used + 10), 6)
  used += 10
  let time = epochMs
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256
    time = Math.floor(time / 256)
  }
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return `req_${base32(bytes)}`
}

/** 128 bits as 26 digits, most significant first; the first digit carries 3 bits. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 2 // two leading zero bits make 130 = 26 × 5
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff
    held += 8
    while (held >= 5) {
      held -= 5
      text += alphabet[(bits >> held) & 31]
    }
  }
  return text
}

/**
 * Identifiers: a prefix and 26 characters of Crockford base 32 that carry a UUIDv7, so that ids sort by their time of birth.
 * The database keeps the 16 bytes where rows are many (requests) and the text elsewhere. A malformed id decodes to null.
 */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const bodyLength = 26

const letters = Buffer.from(alphabet)
const characters = Buffer.alloc(bodyLength)
const none = 0xff
/** By character code. */
const values = new Uint8Array(128).fill(none)
for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value

export type IdPrefix = 'req' | 'org' | 'usr' | 'key' | 'cred' | 'dk' | 'chg'
  | 'team' | 'proj' | 'sa' | 'mem' | 'role' | 'tok' | 'bud' | 'inc' | 'lim' | 'pol' | 'alc' | 'ald' | 'out' | 'ade'

const idBytes = 16

/** UUIDv7: 48 bits of epoch ms, version, variant, 74 random bits of `random` (16 bytes). */
export const uuid7 = (nowMs: number, random: Uint8Array): Uint8Array => toUuid7(nowMs, Uint8Array.from(random.subarray(0, idBytes)), 0)

/** Makes the 16 random bytes at `from` one. */
function toUuid7(nowMs: number, bytes: Uint8Array, from: number): Uint8Array {
  for (let i = from + 5, rest = nowMs; i >= from; i--, rest = Math.floor(rest / 0x100)) bytes[i] = rest % 0x100
  bytes[from + 6] = 0x70 | (bytes[from + 6]! & 0x0f)
  bytes[from + 8] = 0x80 | (bytes[from + 8]! & 0x3f)
  return bytes
}

/** 16 bytes at `from` → `<prefix>_` + 26 characters, most significant first. */
export function encodeId(prefix: IdPrefix, bytes: Uint8Array, from = 0): string {
  // 130 bits hold 128: the first character carries only 3 bits.
  let bits = 2
  let pending = 0
  let at = 0
  for (let i = from; i < from + idBytes; i++) {
    pending = ((pending << 8) | bytes[i]!) & 0xffff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      characters[at++] = letters[(pending >> bits) & 31]!
    }
  }
  return `${prefix}_${characters.toString('latin1', 0, at)}`
}

/** The 16 bytes of an id, or null when the text is no id of this kind. */
export function decodeId(prefix: IdPrefix, id: string): Uint8Array | null {
  if (id.length !== prefix.length + 1 + bodyLength || !id.startsWith(`${prefix}_`)) return null
  const bytes = new Uint8Array(16)
  let pending = 0
  let bits = -2
  let at = 0
  for (let index = prefix.length + 1; index < id.length; index++) {
    const value = values[id.charCodeAt(index)] ?? none
    if (value === none || (bits < 0 && value > 7)) return null
    pending = ((pending << 5) | value) & 0xffff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (pending >> bits) & 0xff
    }
  }
  return bytes
}

export const newId = (prefix: IdPrefix, nowMs: number, random: Uint8Array): string => encodeId(prefix, uuid7(nowMs, random))

/** The same from 16 random bytes at `from`, which are used up: for the hot path, where a view of them would cost as much as the rest. */
export const newIdFrom = (prefix: IdPrefix, nowMs: number, random: Uint8Array, from: number): string => encodeId(prefix, toUuid7(nowMs, random, from), from)

/**
 * Identifiers: a prefix and 26 characters of Crockford base 32 that carry a UUIDv7, so that ids sort by their time of birth.
 * The database keeps the 16 bytes where rows are many (requests) and the text elsewhere. A malformed id decodes to null.
 */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const bodyLength = 26

const values = new Map([...alphabet].map((letter, value) => [letter, value]))

export type IdPrefix = 'req' | 'org' | 'usr' | 'key' | 'cred' | 'dk' | 'chg'

/** UUIDv7: 48 bits of epoch ms, version, variant, 74 random bits of `random` (16 bytes). */
export function uuid7(nowMs: number, random: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(random.subarray(0, 16))
  new DataView(bytes.buffer).setUint32(0, Math.floor(nowMs / 0x10000))
  new DataView(bytes.buffer).setUint16(4, nowMs % 0x10000)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  return bytes
}

/** 16 bytes → `<prefix>_` + 26 characters, most significant first. */
export function encodeId(prefix: IdPrefix, bytes: Uint8Array): string {
  let text = ''
  // 130 bits hold 128: the first character carries only 3 bits.
  let bits = 2
  let pending = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(pending >> bits) & 31]
    }
  }
  return `${prefix}_${text}`
}

/** The 16 bytes of an id, or null when the text is no id of this kind. */
export function decodeId(prefix: IdPrefix, id: string): Uint8Array | null {
  if (id.length !== prefix.length + 1 + bodyLength || !id.startsWith(`${prefix}_`)) return null
  const bytes = new Uint8Array(16)
  let pending = 0
  let bits = -2
  let at = 0
  for (let index = prefix.length + 1; index < id.length; index++) {
    const value = values.get(id[index]!)
    if (value === undefined || (bits < 0 && value > 7)) return null
    pending = ((pending << 5) | value) & 0xffff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (pending >> bits) & 0xff
    }
  }
  return bytes
}

export function newId(prefix: IdPrefix, nowMs: number, random: Uint8Array): string {
  return encodeId(prefix, uuid7(nowMs, random))
}

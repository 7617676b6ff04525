/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), which tells a whole journal frame from a torn or damaged one. Slicing by 8: eight table
 * look-ups for eight bytes, which at frame sizes costs less than a call into native code.
 */
const polynomial = 0x82f63b78
const tables = Array.from({ length: 8 }, () => new Int32Array(256))
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
  tables[0]![byte] = value
}
for (let slice = 1; slice < 8; slice++) {
  for (let byte = 0; byte < 256; byte++) {
    const value = tables[slice - 1]![byte]!
    tables[slice]![byte] = (value >>> 8) ^ tables[0]![value & 0xff]!
  }
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

/** Checksum of `bytes[start..end)` as u32; `previous` is the checksum of the bytes before it. */
export function crc32c(bytes: Uint8Array, start: number, end: number, previous = 0): number {
  let crc = ~previous
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    crc = t7[(crc ^ bytes[at]!) & 0xff]! ^ t6[((crc >>> 8) ^ bytes[at + 1]!) & 0xff]! ^ t5[((crc >>> 16) ^ bytes[at + 2]!) & 0xff]! ^ t4[(crc >>> 24) ^ bytes[at + 3]!]!
      ^ t3[bytes[at + 4]!]! ^ t2[bytes[at + 5]!]! ^ t1[bytes[at + 6]!]! ^ t0[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/**
 * Where the elements of an array stand in a document that is known to be valid JSON, so that the few that matter can be parsed
 * without the rest. Strings are passed over by a search for their end.
 */

const quote = 0x22
const backslash = 0x5c

/** Behind the string that begins at `at`. */
function afterString(bytes: Buffer, at: number): number {
  for (let end = bytes.indexOf(quote, at + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let slashes = 0
    while (bytes[end - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return end + 1
  }
  return bytes.length
}

/** Start and end of each element, one after the other: `[start0, end0, start1, end1, …]`. `from`: of the opening bracket; `to`: behind the closing one. */
export function elementsOf(bytes: Buffer, from: number, to: number): number[] {
  const spans: number[] = []
  let depth = 0
  let start = -1
  for (let at = from; at < to;) {
    const byte = bytes[at] as number
    if (byte === 0x2c && depth === 1) {
      if (start >= 0) spans.push(start, at)
      start = -1
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) break
    } else if (byte > 0x20 && depth >= 1 && start < 0) start = at
    if (byte === 0x5b || byte === 0x7b) depth++
    at = byte === quote ? afterString(bytes, at) : at + 1
  }
  if (start >= 0) spans.push(start, to - 1)
  return spans
}

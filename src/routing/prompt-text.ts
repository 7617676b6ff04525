/**
 * The part of a request's text that says what is wanted: blocks that tools put around a user's words are left out, and of what is
 * very long the middle is. Anybody can write such blocks; all that this gains is that their content does not count.
 */

/** Characters that are looked at, whatever the length: most of them from the start, the rest from the end, where the question often stands. */
export const textCap = 8_000
const keptEnd = 3_000
/** Leading blocks that are skipped, at most. */
const mostBlocks = 16

/** `<system-reminder>`, `<environment_context>`, `<session_context>`: names with a joint, which HTML and prose do not have. */
const isNamePart = (code: number): boolean => (code >= 97 && code <= 122) || code === 45 || code === 95
const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)

function afterSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}

/** Where the user's own words start. A block that is not closed is taken as his words. */
export function withoutHarness(text: string): number {
  let start = afterSpace(text, 0)
  for (let block = 0; block < mostBlocks && text.charCodeAt(start) === 60; block++) {
    let end = start + 1
    let hasJoint = false
    while (end < text.length && end - start < 40 && isNamePart(text.charCodeAt(end))) {
      const code = text.charCodeAt(end++)
      if (code === 45 || code === 95) hasJoint = true
    }
    if (!hasJoint || text.charCodeAt(end) !== 62) break
    const closing = `</${text.slice(start + 1, end)}>`
    const closed = text.indexOf(closing, end)
    if (closed < 0) break
    const next = afterSpace(text, closed + closing.length)
    if (next >= text.length) break
    start = next
  }
  return start < text.length ? start : 0
}

/** At most `textCap` characters of the user's own words. */
export function wantedText(text: string): string {
  const start = withoutHarness(text)
  if (text.length - start <= textCap) return start === 0 ? text : text.slice(start)
  return `${text.slice(start, start + textCap - keptEnd - 1)}\n${text.slice(text.length - keptEnd)}`
}

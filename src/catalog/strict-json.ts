/**
 * JSON of strangers. It refuses what a parser takes silently: a member that comes twice, a name that reaches for a prototype, nesting
 * and size without end. Numbers stay the digits that were written, so that no price becomes a float and no limit infinity.
 */

/** What is wrong with a feed and where, in words for its reader. */
export class FeedError extends Error {
  override name = 'FeedError'
}

/** A number as it was written. */
export class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export const feedBounds = { bytes: 32 * 1024 * 1024, depth: 32, members: 4_000_000 } as const

const refusedNames = new Set(['__proto__', 'constructor', 'prototype'])

export function parseStrictly(text: string): unknown {
  if (text.length > feedBounds.bytes) throw new FeedError(`The feed has more than ${feedBounds.bytes / 1024 / 1024} MiB.`)
  scan(text)
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) => typeof value === 'number' ? new Digits(context?.source ?? '') : value)
  } catch (error) {
    throw new FeedError(`The feed is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read'}.`)
  }
}

/** An open object with the names it had so far, or an open list. */
interface Open { names: Set<string> | null; name: string }

/** One pass over the brackets and strings; what is no JSON otherwise is left to the parser. */
function scan(text: string): void {
  const open: Open[] = []
  let members = 0
  let isName = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x7b || char === 0x5b) { // { [
      if (open.length >= feedBounds.depth) throw new FeedError(`The feed is nested more than ${feedBounds.depth} deep${placeOf(open)}.`)
      open.push({ names: char === 0x7b ? new Set() : null, name: '' })
      isName = char === 0x7b
    } else if (char === 0x7d || char === 0x5d) { // } ]
      open.pop()
      isName = false
    } else if (char === 0x2c) { // ,
      isName = open.at(-1)?.names !== null
      if (++members > feedBounds.members) throw new FeedError(`The feed has more than ${feedBounds.members} members.`)
    } else if (char === 0x22) { // "
      const end = endOfString(text, at)
      if (isName) note(open, text.slice(at, end))
      isName = false
      at = end - 1
    }
  }
}

function note(open: Open[], quoted: string): void {
  const inner = open.at(-1)
  if (inner?.names == null) return
  let name = quoted.slice(1, -1)
  try {
    if (name.includes('\\')) name = JSON.parse(quoted) as string
  } catch {
    return // not JSON: the parser says so
  }
  if (refusedNames.has(name)) throw new FeedError(`The feed has a member named ${name}${placeOf(open)}.`)
  if (inner.names.has(name)) throw new FeedError(`The feed has ${JSON.stringify(name.slice(0, 100))} twice${placeOf(open)}.`)
  inner.names.add(name)
  inner.name = name
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return Math.min(at + 1, text.length)
}

function placeOf(open: readonly Open[]): string {
  const path = open.slice(0, -1).map(({ name }) => name.slice(0, 100)).filter(name => name !== '')
  return path.length === 0 ? '' : ` at ${path.slice(0, 6).join(' › ')}`
}

/**
 * What a gateway may change, computed a second time and independently of it: the request edits of docs/request-path.md as text
 * splices, and the removal of the usage chunk from a stream.
 */
import { isUsageChunk, eventsOf } from '../upstream/answers.ts'

interface Member {
  key: string
  start: number
  valueStart: number
  end: number
}

/** Members of the object that begins at `from`, by their places in the text. The text is valid JSON. */
export function membersOf(text: string, from: number): Member[] {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs
  token.lastIndex = from
  const members: Member[] = []
  let depth = 0
  let current: Member | null = null
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match
    if (word === '{' || word === '[') depth += 1
    if (word === '}' || word === ']') depth -= 1
    if (depth === 0) return members
    if (depth > 1 || word === '{' || word === '[') {
      if (current !== null && current.valueStart < 0) current.valueStart = match.index
      continue
    }
    if (word === ',') current = null
    else if (current === null) members.push((current = { key: JSON.parse(word) as string, start: match.index, valueStart: -1, end: -1 }))
    else if (word !== ':' && current.valueStart < 0) current.valueStart = match.index
    if (current !== null && word !== ':') current.end = match.index + word.length
  }
  throw new Error('The text ends inside an object.')
}

const objectStart = (text: string): number => text.indexOf('{')

function replaceValue(text: string, member: Member, value: string): string {
  return text.slice(0, member.valueStart) + value + text.slice(member.end)
}

/** The same text with another model name. */
export function withModel(text: string, model: string): string {
  const member = membersOf(text, objectStart(text)).findLast(({ key }) => key === 'model')
  return member === undefined ? text : replaceValue(text, member, JSON.stringify(model))
}

/** Asks for usage in a stream, as the vendor needs it. */
function withUsage(text: string): string {
  const members = membersOf(text, objectStart(text))
  const options = members.find(({ key }) => key === 'stream_options')
  if (options === undefined) {
    const { end } = members.at(-1)!
    return `${text.slice(0, end)},"stream_options":{"include_usage":true}${text.slice(end)}`
  }
  if (text[options.valueStart] !== '{') return replaceValue(text, options, '{"include_usage":true}')
  const inner = membersOf(text, options.valueStart)
  const asked = inner.find(({ key }) => key === 'include_usage')
  if (asked !== undefined) return replaceValue(text, asked, 'true')
  const last = inner.at(-1)
  const at = last?.end ?? options.valueStart + 1
  return `${text.slice(0, at)}${last === undefined ? '' : ','}"include_usage":true${text.slice(at)}`
}

function withoutOptions(text: string): string {
  const members = membersOf(text, objectStart(text))
  const index = members.findIndex(({ key }) => key === 'megarouter')
  if (index < 0) return text
  const next = members[index + 1]
  if (next !== undefined) return text.slice(0, members[index]!.start) + text.slice(next.start)
  return text.slice(0, members[index - 1]?.end ?? members[index]!.start) + text.slice(members[index]!.end)
}

/** The fields that a vendor reads as an output limit, its own first, and the limit that a budget needs. */
export interface OutputLimit { fields: readonly string[]; tokens: number }

/** Lowers every larger limit; where there is none, the vendor's own field gets it, behind the other members if it is not there. */
function withLimit(text: string, { fields, tokens }: OutputLimit): string {
  const members = membersOf(text, objectStart(text))
  const limits = members.filter((member) => fields.includes(member.key) && Number(text.slice(member.valueStart, member.end)) >= 1)
  if (limits.length > 0) return limits.toReversed().reduce((edited, member) => (Number(text.slice(member.valueStart, member.end)) > tokens ? replaceValue(edited, member, String(tokens)) : edited), text)
  const empty = members.find(({ key }) => key === fields[0])
  if (empty !== undefined) return replaceValue(text, empty, String(tokens))
  const { end } = members.at(-1)!
  return `${text.slice(0, end)},"${fields[0]}":${tokens}${text.slice(end)}`
}

export interface RequestFacts {
  stream: boolean
  asksForUsage: boolean
}

export function factsOf(text: string): RequestFacts {
  const { stream, stream_options: options } = JSON.parse(text) as { stream?: unknown; stream_options?: { include_usage?: unknown } | null }
  return { stream: stream === true, asksForUsage: options?.include_usage === true }
}

/** The bytes that the upstream must get for what the client sent. */
export function expectedRequest(sent: string, upstreamModel: string, usageOnRequest: boolean, limit?: OutputLimit): string {
  const { stream, asksForUsage } = factsOf(sent)
  const named = withoutOptions(withModel(sent, upstreamModel))
  const edited = limit === undefined ? named : withLimit(named, limit)
  return stream && usageOnRequest && !asksForUsage ? withUsage(edited) : edited
}

/** A recorded stream as a client that did not ask for usage gets it. */
export const withoutUsageChunk = (stream: string): string => eventsOf(stream).filter((event) => !isUsageChunk(event)).join('')

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

function without(text: string, key: string): string {
  const members = membersOf(text, objectStart(text))
  const index = members.findIndex((member) => member.key === key)
  if (index < 0) return text
  const next = members[index + 1]
  if (next !== undefined) return text.slice(0, members[index]!.start) + text.slice(next.start)
  return text.slice(0, members[index - 1]?.end ?? members[index]!.start) + text.slice(members[index]!.end)
}

/** One limit, under the name that the vendor reads; of two the vendor's own, if it says anything. */
function withName(text: string, own: string, other: string): string {
  const members = membersOf(text, objectStart(text))
  const [mine, theirs] = [members.find(({ key }) => key === own), members.find(({ key }) => key === other)]
  if (theirs === undefined) return text
  if (mine === undefined) return text.slice(0, theirs.start) + JSON.stringify(own) + text.slice(theirs.start + JSON.stringify(other).length)
  const number = text.slice(theirs.valueStart, theirs.end)
  const counts = Number(text.slice(mine.valueStart, mine.end)) >= 1 || !(Number(number) >= 1)
  return without(counts ? text : replaceValue(text, mine, number), other)
}

/** Messages as a vendor takes them that knows no role `developer`, or no lists as content; `start` of each element of the array. */
function withMessages(text: string, { developerAsSystem = false, listsAsText = false }: RequestForm): string {
  const messages = membersOf(text, objectStart(text)).find(({ key }) => key === 'messages')
  if (messages === undefined || text[messages.valueStart] !== '[') return text
  let edited = text
  for (const start of elementsOf(text, messages.valueStart).filter((at) => text[at] === '{').toReversed()) {
    for (const member of membersOf(text, start).toReversed()) {
      const value = JSON.parse(text.slice(member.valueStart, member.end)) as unknown
      if (developerAsSystem && member.key === 'role' && value === 'developer') edited = replaceValue(edited, member, '"system"')
      if (listsAsText && member.key === 'content' && isTexts(value)) edited = replaceValue(edited, member, rawTexts(text, member))
    }
  }
  return edited
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every((part) => (part as { type?: unknown } | null)?.type === 'text' && typeof (part as { text?: unknown }).text === 'string')

/** The texts of a list in one, with the escapes that they came with. */
function rawTexts(text: string, list: Member): string {
  const texts = elementsOf(text, list.valueStart).map((start) => membersOf(text, start).find(({ key }) => key === 'text')!)
  return `"${texts.map((member) => text.slice(member.valueStart + 1, member.end - 1)).join('')}"`
}

/** Where the elements of the array at `from` begin. */
function elementsOf(text: string, from: number): number[] {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs
  token.lastIndex = from + 1
  const starts: number[] = []
  let depth = 1
  let isFresh = true
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match
    if (depth === 1 && isFresh && word !== ']') starts.push(match.index)
    isFresh = depth === 1 && word === ','
    if (word === '{' || word === '[') depth += 1
    if ((word === '}' || word === ']') && --depth === 0) return starts
  }
  throw new Error('The text ends inside an array.')
}

/** The fields that a vendor may read as an output limit, its own first; how many of them it reads for certain; and the limit that a budget needs. */
export interface OutputLimit { fields: readonly string[]; certain?: number; tokens: number }

/** Lowers every larger limit; where there is none, the vendor's own field gets it, behind the other members if it is not there. */
function withLimit(text: string, { fields, certain = fields.length, tokens }: OutputLimit): string {
  const members = membersOf(text, objectStart(text))
  const limits = members.filter((member) => fields.includes(member.key) && Number(text.slice(member.valueStart, member.end)) >= 1)
  const lowered = limits.toReversed().reduce((edited, member) => (Number(text.slice(member.valueStart, member.end)) > tokens ? replaceValue(edited, member, String(tokens)) : edited), text)
  if (limits.some(({ key }) => fields.indexOf(key) < certain)) return lowered
  const after = membersOf(lowered, objectStart(lowered))
  const empty = after.find(({ key }) => key === fields[0])
  if (empty !== undefined) return replaceValue(lowered, empty, String(tokens))
  const { end } = after.at(-1)!
  return `${lowered.slice(0, end)},"${fields[0]}":${tokens}${lowered.slice(end)}`
}

export interface RequestFacts {
  stream: boolean
  asksForUsage: boolean
}

export function factsOf(text: string): RequestFacts {
  const { stream, stream_options: options } = JSON.parse(text) as { stream?: unknown; stream_options?: { include_usage?: unknown } | null }
  return { stream: stream === true, asksForUsage: options?.include_usage === true }
}

export interface RequestForm {
  /** Usage in streams is asked for, comes unasked, or a wish for it is taken out. */
  usage?: 'asked' | 'unasked' | 'refused'
  limit?: OutputLimit
  /** The limit that the vendor reads, and the one that is written under its name. */
  renames?: readonly [own: string, other: string]
  developerAsSystem?: boolean
  listsAsText?: boolean
}

/** The bytes that the upstream must get for what the client sent. */
export function expectedRequest(sent: string, upstreamModel: string, form: RequestForm = {}): string {
  const { stream, asksForUsage } = factsOf(sent)
  const { usage = 'asked', limit, renames } = form
  const named = without(withMessages(withModel(sent, upstreamModel), form), 'megarouter')
  const told = usage === 'refused' ? without(named, 'stream_options') : named
  const renamed = renames === undefined ? told : withName(told, ...renames)
  const edited = limit === undefined ? renamed : withLimit(renamed, limit)
  return stream && usage === 'asked' && !asksForUsage ? withUsage(edited) : edited
}

/** A recorded stream as a client that did not ask for usage gets it. */
export const withoutUsageChunk = (stream: string): string => eventsOf(stream).filter((event) => !isUsageChunk(event)).join('')

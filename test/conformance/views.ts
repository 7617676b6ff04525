/**
 * What of an answer has to survive a translation, in a form that can be compared, and the table of what a format cannot say of it.
 * An entry of the table is applied to both sides: it takes away what its reason names and nothing else.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ChatAnswer, ChatUsage, NativePart, Part, StopReason } from '../../src/protocols/canonical.ts'

/** What every official SDK shows of an answer. */
export interface View {
  text: string
  thought: string
  refusal: string
  /** Name, and the arguments as a value. */
  calls: [name: string, args: unknown][]
  /** All tokens of either side. */
  input: number
  output: number
}

/** What the codec of a format reads besides. */
export interface FullView extends View {
  /** Kinds of the parts, neighbours of one kind as one; a call each. */
  order: string[]
  stop: StopReason | undefined
  stopSequence: string | undefined
  usage: Partial<ChatUsage>
  /** Kind and length. */
  media: string[]
  /** What is said in them. */
  transcripts: string
  /** Addresses, each once. */
  citations: string[]
}

/** Stands in the place of a medium that a format cannot carry. */
const placeholder = /\[[^\]]* that this format cannot carry\]/g

/** A namespace stands in the name where a format has no place for it. */
const named = (name: string): string => name.replace(/^.*_0x_/, '')

export const bareView = (view: View): View => ({ ...view, text: view.text.replace(placeholder, ''), calls: view.calls.map(([name, args]) => [named(name), typeof args === 'object' ? inAnObject(args ?? {}) : args]) })

/** Without empty lines. */
export const squeezed = (text: string): string => text.replace(/\n+/g, '\n')

/** Of a call whose arguments are cut off or no object: how they stand in formats that want one differs. */
export const noObject = 'no object'

/** As a value; null is what some models call a tool with that takes nothing. `isCustom`: free text. */
export function argsOf(text: string, isCustom = false): unknown {
  if (isCustom) return { input: text }
  try {
    const value = JSON.parse(text === '' ? '{}' : text) as unknown
    if (value === null) return {}
    return typeof value === 'object' && !Array.isArray(value) ? inAnObject(value) : noObject
  } catch {
    return noObject
  }
}

export const inAnObject = (args: object): unknown => ('raw_arguments' in args || '_arguments' in args ? noObject : args)

const sum = (usage: Partial<ChatUsage>, keys: readonly (keyof ChatUsage)[]): number => keys.reduce((total, key) => total + (usage[key] ?? 0), 0)
const inputClasses = ['input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'audioIn', 'imageIn'] as const
const outputClasses = ['output', 'reasoning', 'audioOut', 'imageOut'] as const

const isEmpty = (part: Part): boolean => (part.type === 'text' || part.type === 'refusal') ? part.text === '' && part.type === 'text' && !part.citations : part.type === 'reasoning' && (part.text ?? '') === '' && (part.summary ?? []).join('') === ''

/** An image in the answers of Responses, where it is the result of a tool. */
const isMade = (part: Part): part is NativePart => part.type === 'native' && part.value['type'] === 'image_generation_call'

function mediaOf(part: Part): string[] {
  if (isMade(part)) return [`made ${String(part.value['result']).length}`]
  return part.type === 'media' ? [`${part.kind} ${part.source.by === 'data' ? part.source.base64.length : part.source.by}`] : []
}

/** Of the first choice: no other format than those of Google and of chat completions has more. */
export function viewOf({ choices, usage = { input: 0, output: 0 } }: ChatAnswer): FullView {
  const { parts = [], stop, stopSequence } = choices.find(({ index }) => index === 0) ?? {}
  const texts = (type: 'text' | 'refusal'): string => parts.map((part) => (part.type === type ? part.text : '')).join('')
  const { costNano: _, ...classes } = usage
  const order = parts.filter((part) => (part.type !== 'native' || isMade(part)) && !isEmpty(part)).map((part) => (isMade(part) ? 'made' : part.type))
  return {
    text: texts('text').replace(placeholder, ''), refusal: texts('refusal'),
    thought: parts.map((part) => (part.type === 'reasoning' ? [...part.summary ?? [], part.text ?? ''].join('') : '')).join(''),
    calls: parts.flatMap((part) => (part.type === 'toolCall' ? [[named(part.name), argsOf(part.arguments, part.custom)] as [string, unknown]] : [])),
    input: sum(classes, inputClasses), output: sum(classes, outputClasses),
    order: joined(order),
    stop, stopSequence, usage: Object.fromEntries(Object.entries(classes).filter(([, units]) => units > 0).sort(([a], [b]) => (a < b ? -1 : 1))),
    media: parts.flatMap(mediaOf), transcripts: parts.map((part) => (part.type === 'media' ? part.transcript ?? '' : '')).join(''),
    citations: [...new Set(parts.flatMap((part) => (part.type === 'text' ? part.citations ?? [] : [])).flatMap(({ url }) => (url === undefined || url === '' ? [] : [url])))].sort(),
  }
}

/** What a client's format cannot say, and why. */
export interface Limit { reason: string; apply(view: FullView): void }

const moved = (view: FullView, to: 'input' | 'output', from: readonly (keyof ChatUsage)[]): void => {
  for (const key of from) {
    const units = view.usage[key] ?? 0
    delete view.usage[key]
    if (units > 0) view.usage[to] = (view.usage[to] ?? 0) + units
  }
}
const asStop = (reason: string, from: StopReason, to: StopReason): Limit => ({ reason, apply: (view) => { if (view.stop === from) view.stop = to } })

const stopsAtCalls: Limit = {
  reason: 'no reason tells a stop at a call from another end: whoever calls waits',
  apply: (view) => { if (view.stop === 'end' && view.calls.length > 0) view.stop = 'tool_calls' },
}
const noStopSequence: Limit = {
  reason: 'a stop sequence is an end like any other, and is not named',
  apply: (view) => {
    view.stopSequence = undefined
    if (view.stop === 'stop_sequence') view.stop = 'end'
  },
}
const refusesInText: Limit = {
  reason: 'a refusal is text',
  apply: (view) => {
    view.text += view.refusal
    view.refusal = ''
    view.order = joined(view.order.map((type) => (type === 'refusal' ? 'text' : type)))
  },
}
/** In the text; of other media the answer says that there are some. */
function tellMedia(view: FullView, isKept: (medium: string) => boolean): void {
  const others = view.media.filter((each) => !isKept(each))
  view.media = view.media.filter(isKept)
  view.text += view.transcripts
  view.transcripts = ''
  if (others.length > 0) view.order = joined(view.order.map((type) => (type === 'media' ? 'text' : type)))
}
const losesMade: Limit = {
  reason: 'what a tool of the vendor made is told in the vendor’s format alone',
  apply: (view) => {
    view.media = view.media.filter((each) => !each.startsWith('made '))
    view.order = joined(view.order.filter((type) => type !== 'made'))
  },
}
const noSearches: Limit = { reason: 'searches are not counted', apply: (view) => { delete view.usage.searches } }

const noCitations: Limit = { reason: 'there are no citations', apply: (view) => { view.citations = [] } }

const joined = (order: readonly string[]): string[] => order.filter((type, index) => type === 'toolCall' || type !== order[index - 1])
const places = ['reasoning', 'text', 'refusal', 'media', 'toolCall']

export const expressible: Readonly<Record<string, readonly Limit[]>> = {
  'openai-chat': [
    losesMade,
    { reason: 'thoughts with something between them are one text, set apart by empty lines', apply: (view) => { view.thought = squeezed(view.thought) } },
    { reason: 'a message holds thought, text and calls in members of their own', apply: (view) => { view.order = joined(view.order.toSorted((a, b) => places.indexOf(a) - places.indexOf(b))) } },
  ],
  'openai-responses': [
    stopsAtCalls, noStopSequence,
    {
      reason: 'an image is what a tool made; other media are told by what is said in them',
      apply: (view) => {
        view.media = view.media.map((each) => each.replace('made ', 'image '))
        tellMedia(view, (each) => each.startsWith('image '))
        view.order = view.order.map((type) => (type === 'made' ? 'media' : type))
      },
    },
    { reason: 'a refusal without words is told by what stopped it', apply: (view) => { if (view.stop === 'refusal' && view.refusal === '') view.stop = 'content_filter' } },
  ],
  'anthropic-messages': [
    refusesInText, losesMade,
    { reason: 'media are told by what is said in them', apply: (view) => tellMedia(view, () => false) },
    asStop('what a filter stops is a refusal', 'content_filter', 'refusal'),
    { reason: 'tokens are not told apart by medium', apply: (view) => { moved(view, 'input', ['audioIn', 'imageIn']); moved(view, 'output', ['audioOut', 'imageOut']) } },
  ],
  'gemini-generate': [
    refusesInText, stopsAtCalls, noStopSequence, noSearches, losesMade,
    {
      reason: 'what is said in a medium stands beside it as text',
      apply: (view) => {
        if (view.transcripts !== '') view.order = joined([...view.order, 'text'])
        view.text += view.transcripts
        view.transcripts = ''
      },
    },
    asStop('what is refused is told as filtered', 'refusal', 'content_filter'),
    { reason: 'what is written to a cache is prompt', apply: (view) => moved(view, 'input', ['cacheWrite5m', 'cacheWrite1h']) },
  ],
  'cohere-chat': [
    refusesInText, losesMade, noSearches,
    { reason: 'media are told by what is said in them', apply: (view) => tellMedia(view, () => false) },
    { reason: 'tokens are told apart by direction and thought', apply: (view) => { moved(view, 'input', ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'audioIn', 'imageIn']); moved(view, 'output', ['audioOut', 'imageOut']) } },
    { reason: 'a stop sequence is not named', apply: (view) => { view.stopSequence = undefined } },
    asStop('a refusal is an end', 'refusal', 'end'), asStop('for what a filter stops there is no name', 'content_filter', 'other'),
    { reason: 'a message holds its text before its calls', apply: (view) => { view.order = joined(view.order.toSorted((a, b) => places.indexOf(a) - places.indexOf(b))) } },
  ],
  'ollama-chat': [
    refusesInText, stopsAtCalls, noStopSequence, losesMade, noSearches, noCitations,
    { reason: 'images have a member of their own; other media are told by what is said in them', apply: (view) => tellMedia(view, (each) => each.startsWith('image ')) },
    { reason: 'tokens are told apart by direction', apply: (view) => { moved(view, 'input', ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'audioIn', 'imageIn']); moved(view, 'output', ['reasoning', 'audioOut', 'imageOut']) } },
    { reason: 'thoughts with something between them are one text, set apart by empty lines', apply: (view) => { view.thought = squeezed(view.thought) } },
    { reason: 'a message holds thought, text and calls in members of their own', apply: (view) => { view.order = joined(view.order.toSorted((a, b) => places.indexOf(a) - places.indexOf(b))) } },
    { reason: 'an end is an end or the limit', apply: (view) => { if (view.stop !== undefined && view.stop !== 'length' && view.stop !== 'tool_calls') view.stop = view.stop === 'context_window' ? 'length' : 'end' } },
  ],
  'bedrock-converse': [
    refusesInText, losesMade, noSearches, asStop('a refusal is told as filtered', 'refusal', 'content_filter'),
    { reason: 'media other than images are told by what is said in them', apply: (view) => tellMedia(view, (each) => each.startsWith('image ')) },
    { reason: 'tokens are told apart by direction and cache', apply: (view) => { moved(view, 'input', ['audioIn', 'imageIn']); moved(view, 'output', ['reasoning', 'audioOut', 'imageOut']) } },
  ],
}

/** The same view as far as the format can say it. */
export function asFarAs(format: string, view: FullView): FullView {
  const copy = structuredClone(view)
  for (const { apply } of expressible[format === 'bedrock-invoke' ? 'anthropic-messages' : format]!) apply(copy)
  return copy
}

/** Throws with what differs, member by member. */
export function assertSame<T extends object>(got: T, expected: T): void {
  const differences = Object.keys(expected).filter((key) => !isDeepStrictEqual(got[key as keyof T], expected[key as keyof T]))
  if (differences.length === 0) return
  throw new Error(differences.map((key) => `${key}: ${JSON.stringify(got[key as keyof T])?.slice(0, 250)} and not ${JSON.stringify(expected[key as keyof T])?.slice(0, 250)}`).join('; '))
}

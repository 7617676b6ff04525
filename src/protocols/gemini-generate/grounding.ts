/**
 * Where texts come from: Google tells it beside the parts, with offsets in bytes (`groundingMetadata` for what it searched,
 * `citationMetadata` for what the model recites); canonical citations stand at the text, with offsets in UTF-16 units.
 */
import type { Citation, Json, JsonObject, TextPart } from '../canonical.ts'
import { isObject, listOf } from './fields.ts'
import { format } from './parts.ts'

/** A text, and where it stands among the parts of its content. */
export interface CitedText { index: number; text: string }

export interface Cited { text: CitedText; citation: Citation }

const lists = ['citationSources', 'citations'] as const

export function citationsOf(grounding: JsonObject | undefined, recited: JsonObject | undefined, texts: readonly CitedText[]): Cited[] {
  if (texts.length === 0) return []
  return [...(grounding ? groundings(grounding, texts) : []), ...(recited ? recitations(recited, texts) : [])]
}

function groundings(metadata: JsonObject, texts: readonly CitedText[]): Cited[] {
  const found: Cited[] = []
  const chunks = listOf(metadata['groundingChunks'])
  const told = new Set<Json>()
  for (const support of listOf(metadata['groundingSupports'])) {
    if (!isObject(support)) continue
    const place = placeOf(isObject(support['segment']) ? support['segment'] : {}, texts)
    for (const index of listOf(support['groundingChunkIndices'])) {
      const chunk = chunks[index as number]
      if (!isObject(chunk)) continue
      told.add(index)
      found.push({ text: place.text, citation: { ...citationOf(chunk), ...(place.start === undefined ? {} : { start: place.start, end: place.end }) } })
    }
  }
  for (const [index, chunk] of chunks.entries()) if (!told.has(index) && isObject(chunk)) found.push({ text: texts.at(-1)!, citation: citationOf(chunk) })
  return found
}

function citationOf(chunk: JsonObject): Citation {
  const [kind, source] = Object.entries(chunk)[0] ?? []
  const { uri, title, text, ...rest } = isObject(source) ? source : {}
  const citation: Citation = {}
  if (typeof uri === 'string') citation.url = uri
  if (typeof title === 'string') citation.title = title
  if (typeof text === 'string') citation.quote = text
  if (kind !== 'web' || text !== undefined || uri === undefined || Object.keys(rest).length > 0) citation.native = { format, value: chunk }
  return citation
}

type Place = { text: CitedText; start?: never } | { text: CitedText; start: number; end: number }

/** The part that the segment names, or else one that holds its text there, or at all: which part it is counted from varies. */
function placeOf(segment: JsonObject, texts: readonly CitedText[]): Place {
  const { startIndex, endIndex, partIndex, text: said } = segment
  const named = texts.find(({ index }) => index === (partIndex ?? 0)) ?? texts[0]!
  if (typeof endIndex !== 'number') return { text: named }
  const from = typeof startIndex === 'number' ? startIndex : 0
  for (const text of [named, ...texts]) {
    const bytes = Buffer.from(text.text)
    const slice = bytes.toString('utf8', from, endIndex)
    if (typeof said === 'string' && said !== '' && slice !== said) continue
    const start = bytes.toString('utf8', 0, from).length
    return { text, start, end: start + slice.length }
  }
  for (const text of texts) {
    const start = text.text.indexOf(said as string)
    if (start >= 0) return { text, start, end: start + (said as string).length }
  }
  return { text: named }
}

/** Counted over all texts of the answer. */
function recitations(metadata: JsonObject, texts: readonly CitedText[]): Cited[] {
  const found: Cited[] = []
  const all = Buffer.from(texts.map(({ text }) => text).join(''))
  for (const list of lists) {
    for (const source of listOf(metadata[list])) {
      if (!isObject(source)) continue
      const { uri, title, startIndex, endIndex } = source
      const citation: Citation = { ...(typeof uri === 'string' ? { url: uri } : {}), ...(typeof title === 'string' ? { title } : {}), native: { format, value: { [list]: source } } }
      if (typeof endIndex !== 'number') {
        found.push({ text: texts.at(-1)!, citation })
        continue
      }
      const from = typeof startIndex === 'number' ? startIndex : 0
      let [at, start] = [0, all.toString('utf8', 0, from).length]
      while (at + 1 < texts.length && start >= texts[at]!.text.length) start -= texts[at++]!.text.length
      found.push({ text: texts[at]!, citation: { ...citation, start, end: start + all.toString('utf8', from, endIndex).length } })
    }
  }
  return found
}

/** The other way, of one candidate's texts. */
export function metadataOf(texts: readonly { index: number; part: TextPart }[]): { groundingMetadata?: JsonObject; citationMetadata?: JsonObject } {
  const chunks: JsonObject[] = []
  const supports: JsonObject[] = []
  const recited: JsonObject = {}
  for (const { index, part } of texts) {
    let last = null as { start: number; end: number; chunks: Json[] } | null
    for (const citation of part.citations ?? []) {
      const list = lists.find((name) => citation.native?.format === format && name in citation.native.value)
      if (list) {
        recited[list] = [...listOf(recited[list]), citation.native!.value[list]!]
        continue
      }
      const chunk = indexOf(chunks, chunkOf(citation))
      const { start, end } = citation
      if (start === undefined || end === undefined) continue
      if (last?.start === start && last.end === end) last.chunks.push(chunk)
      else {
        last = { start, end, chunks: [chunk] }
        supports.push({ segment: segmentOf(part, index, start, end), groundingChunkIndices: last.chunks })
      }
    }
  }
  return {
    ...(chunks.length === 0 ? {} : { groundingMetadata: { groundingChunks: chunks, ...(supports.length === 0 ? {} : { groundingSupports: supports }) } }),
    ...(Object.keys(recited).length === 0 ? {} : { citationMetadata: recited }),
  }
}

function chunkOf({ url, title, quote, native }: Citation): JsonObject {
  if (native?.format === format) return native.value
  const source = { ...(url === undefined ? {} : { uri: url }), ...(title === undefined ? {} : { title }) }
  return url === undefined || quote !== undefined ? { retrievedContext: { ...source, ...(quote === undefined ? {} : { text: quote }) } } : { web: source }
}

function indexOf(chunks: JsonObject[], chunk: JsonObject): number {
  const json = JSON.stringify(chunk)
  const at = chunks.findIndex((each) => JSON.stringify(each) === json)
  return at >= 0 ? at : chunks.push(chunk) - 1
}

function segmentOf({ text }: TextPart, index: number, start: number, end: number): JsonObject {
  const startIndex = Buffer.byteLength(text.slice(0, start))
  const said = text.slice(start, end)
  return { ...(index === 0 ? {} : { partIndex: index }), ...(startIndex === 0 ? {} : { startIndex }), endIndex: startIndex + Buffer.byteLength(said), text: said }
}

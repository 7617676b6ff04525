/**
 * Citations. Cohere lists them beside the message, with offsets into one block of its content (`content_index`), into the plan of its
 * tool calls, or into its thoughts; here they belong to the text they stand in. https://docs.cohere.com/v2/docs/rag-citations
 */
import type { Citation, JsonObject, NativePart, Part, TextPart } from '../canonical.ts'
import { defined, isCount, isList, isNumber, isObject, isText } from '../members.ts'

export interface Place { kind: 'text' | 'plan' | 'thought'; index: number | null }

export function placeOf({ type, content_index: index }: JsonObject): Place {
  const kind = type === 'PLAN' ? 'plan' : type === 'THINKING_CONTENT' ? 'thought' : 'text'
  return { kind, index: isCount(index) ? index : null }
}

/** As Cohere numbers documents that were sent without ids. */
const numbered = /^doc:(\d{1,9})$/

/** `text` is what the citation's offsets are of. The citation as it came is kept beside what other formats understand of it. */
export function citationFrom(value: JsonObject, text: string): Citation {
  const source = isList(value['sources']) ? value['sources'].find(isObject) : undefined
  const document = isObject(source?.['document']) ? source['document'] : {}
  const number = isText(source?.['id']) ? numbered.exec(source['id'])?.[1] : undefined
  const span = spanIn(text, value)
  return defined<Citation>({
    url: isText(document['url']) ? document['url'] : undefined,
    title: isText(document['title']) ? document['title'] : undefined,
    start: span?.start,
    end: span?.end,
    document: number === undefined ? undefined : Number(number),
    native: { format: 'cohere-chat', value },
  })
}

/** The unit of offsets is not documented: the one counts by which the cited text stands at its place. */
function spanIn(text: string, { start, end, text: cited }: JsonObject): { start: number; end: number } | null {
  if (!isNumber(start) || !isNumber(end)) return null
  if (!isText(cited) || text.slice(start, end) === cited) return { start, end }
  const characters = Array.from(text)
  const before = characters.slice(0, start).join('').length
  return text.startsWith(cited, before) ? { start: before, end: before + cited.length } : { start, end }
}

/** As Cohere would have written it. */
export function citationTo(citation: Citation, text: string, contentIndex: number): JsonObject {
  if (citation.native?.format === 'cohere-chat') return citation.native.value
  const { url, title, quote, document } = citation
  const { start = 0, end = text.length } = citation
  const id = document === undefined ? url ?? title ?? 'source' : `doc:${document}`
  return {
    start, end, text: text.slice(start, end), type: 'TEXT_CONTENT', content_index: contentIndex,
    sources: [{ type: 'document', id, document: defined<JsonObject>({ id, title, url, snippet: quote }) }],
  }
}

/** A citation that stands in no text: in a thought. */
export const strayCitation = (value: JsonObject): NativePart => ({ type: 'native', format: 'cohere-chat', value: { citation: value } })

/** `texts` are the texts of the content by index, undefined for thoughts; `plan` is the text of the plan. Citations without a text become parts of their own. */
export function addCitations(citations: readonly JsonObject[], texts: readonly (TextPart | undefined)[], plan: TextPart | undefined): Part[] {
  const stray: Part[] = []
  for (const value of citations) {
    const { kind, index } = placeOf(value)
    const part = kind === 'plan' ? plan : kind === 'thought' ? undefined : index === null ? texts.find((each) => each !== undefined) : texts[index]
    if (part) (part.citations ??= []).push(citationFrom(value, part.text))
    else stray.push(strayCitation(value))
  }
  return stray
}

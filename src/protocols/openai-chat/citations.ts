/**
 * Sources of a text. Clients of this format know one form of them, `url_citation`, and some demand all four of its members, so a citation
 * of a document of the request stands apart (`document_citations`). Perplexity lists what it found beside the answer.
 */
import type { Citation, Json, JsonObject, TextPart } from '../canonical.ts'
import { compact, isObject, Members } from './members.ts'

/** Marks a citation that was made of a list which is kept as it came. */
const listed = { format: 'openai-chat', value: { list: true } } as const satisfies Citation['native']
const isListed = ({ native }: Citation): boolean => native?.format === 'openai-chat' && native.value['list'] === true

function decodeAnnotation(annotation: Json): Citation {
  const native = { format: 'openai-chat', value: isObject(annotation) ? annotation : { annotation } } as const
  if (!isObject(annotation) || annotation['type'] !== 'url_citation' || !isObject(annotation['url_citation'])) return { native }
  const members = new Members(annotation['url_citation'], null)
  const title = members.text('title')
  const citation = compact<Citation>({ url: members.text('url'), title: title || undefined, quote: members.text('content'), start: members.number('start_index'), end: members.number('end_index') })
  return members.left() === undefined && Object.keys(annotation).length === 2 ? citation : { ...citation, native }
}

function decodeDocumentCitation(value: Json): Citation {
  const members = new Members(isObject(value) ? value : {}, null)
  return compact<Citation>({ document: members.number('document'), title: members.text('title'), quote: members.text('quote'), start: members.number('start_index'), end: members.number('end_index') })
}

/** Of a message or a delta. */
export function decodeCitations(members: Members): Citation[] {
  return [...(members.list('annotations') ?? []).map(decodeAnnotation), ...(members.list('document_citations') ?? []).map(decodeDocumentCitation)]
}

/** Of an answer or a chunk: what a search found, which is left where it is. */
export function foundSources(body: JsonObject): Citation[] {
  const results = body['search_results']
  if (Array.isArray(results) && results.length > 0) {
    return results.filter(isObject).map((result) => {
      const members = new Members(result, null)
      return compact<Citation>({ url: members.text('url'), title: members.text('title'), quote: members.text('snippet') || undefined, native: listed })
    })
  }
  const urls = body['citations']
  return Array.isArray(urls) ? urls.filter((url) => typeof url === 'string').map((url) => ({ url, native: listed })) : []
}

interface EncodedCitations { annotations?: Json[]; document_citations?: Json[] }

/** Collects the citations of texts that become one. */
export class CitationWriter {
  #annotations: Json[] = []
  #documents: Json[] = []

  /** `from`: where the part's text begins in the whole one; `length`: of the part. `keepsLists`: what they were made of is written as it came. */
  add(citation: Citation, from: number, length: number, keepsLists = false): void {
    if (isListed(citation)) {
      if (keepsLists) return
    } else if (citation.native?.format === 'openai-chat') return void this.#annotations.push(citation.native.value['annotation'] ?? citation.native.value)
    const { url, title, quote, start, end, document } = citation
    if (url !== undefined) {
      const place = { start_index: from + (start ?? 0), end_index: from + (end ?? length) }
      this.#annotations.push({ type: 'url_citation', url_citation: { url, title: title ?? '', ...place, ...quote !== undefined && { content: quote } } })
    } else if (document !== undefined || title !== undefined || quote !== undefined) {
      const place = { ...start !== undefined && { start_index: from + start }, ...end !== undefined && { end_index: from + end } }
      this.#documents.push({ ...document !== undefined && { document }, ...title !== undefined && { title }, ...quote !== undefined && { quote }, ...place })
    }
  }

  addAll(part: TextPart, from: number, keepsLists = false): void {
    for (const citation of part.citations ?? []) this.add(citation, from, part.text.length, keepsLists)
  }

  take(): EncodedCitations | null {
    const taken = { ...this.#annotations.length > 0 && { annotations: this.#annotations }, ...this.#documents.length > 0 && { document_citations: this.#documents } }
    this.#annotations = []
    this.#documents = []
    return Object.keys(taken).length > 0 ? taken : null
  }
}

/**
 * Gemini's embedContent and batchEmbedContents: https://ai.google.dev/api/embeddings. Members may be written with underscores, as all
 * of its JSON. Upstream it is always the batch; answers tell no tokens but on the Agent Platform.
 */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedAnswer, EmbedCodec, EmbedExtras, EmbedInput, EmbedPart, EmbedRequest, EmbedUsage, Purpose } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isCount, isList, isNumber, isObject, isText, Members } from '../members.ts'
import { fieldsOf, floatsOf, lose, floatsFrom } from './parts.ts'

const format = 'gemini-embed'

export const tasks: Readonly<Record<Purpose, string>> = {
  query: 'RETRIEVAL_QUERY', document: 'RETRIEVAL_DOCUMENT', classification: 'CLASSIFICATION', clustering: 'CLUSTERING', similarity: 'SEMANTIC_SIMILARITY', question: 'QUESTION_ANSWERING', fact: 'FACT_VERIFICATION', code: 'CODE_RETRIEVAL_QUERY',
}
export const purposeOfTask = new Map(Object.entries(tasks).map(([purpose, task]) => [task, purpose as Purpose]))

/** One item of a batch, and what it says of its task, which is told once where all items say the same. */
interface Item { model: string | undefined; input: EmbedInput; purpose: Purpose | undefined; dimensions: number | undefined }

const isTask = (value: Json | undefined): value is string => isText(value) && purposeOfTask.has(value)

function itemFrom(value: Json): Item {
  const members = new Members(isObject(value) ? value : {})
  const content = new Members(members.take('content', isObject) ?? {})
  const parts = content.take('parts', isList)
  if (!parts) throw new BadRequest('Each content to embed must have a list of "parts".', 'content')
  const purpose = purposeOfTask.get(members.take('taskType', isTask) ?? members.take('task_type', isTask) ?? '')
  const dimensions = members.take('outputDimensionality', isCount) ?? members.take('output_dimensionality', isCount)
  const title = members.take('title', isText)
  const model = members.take('model', isText)?.replace(/^models\//, '')
  const left = content.rest()
  const fields = { ...members.rest(), ...(left && { content: left }) }
  const extras: EmbedExtras | undefined = Object.keys(fields).length > 0 ? { format, fields } : undefined
  return { model, input: defined<EmbedInput>({ parts: parts.map(partFrom), title, extras }), purpose, dimensions }
}

function partFrom(part: Json): EmbedPart {
  if (isObject(part) && isText(part['text'])) return { type: 'text', text: part['text'] }
  const blob = isObject(part) ? [part['inlineData'], part['inline_data']].find(isObject) : undefined
  const type = blob && [blob['mimeType'], blob['mime_type']].find(isText)
  if (blob && type?.startsWith('image/') && isText(blob['data'])) return { type: 'image', url: `data:${type};base64,${blob['data']}` }
  throw new BadRequest('Only texts and images in the request itself can be embedded by this model.', 'content')
}

function partTo(part: EmbedPart): JsonObject {
  if (part.type === 'text') return { text: part.text }
  const [, mimeType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(part.url) ?? []
  if (mimeType === undefined || data === undefined) throw new BadRequest('This model takes images in the request itself, and none by address.', 'input')
  return { inlineData: { mimeType, data } }
}

function inputTo(input: EmbedInput, losses: Losses): { content: JsonObject; rest: JsonObject } {
  if ('tokens' in input) throw new BadRequest('This model takes texts as input, and no token numbers. Send the text instead.', 'input')
  const { content, ...rest } = fieldsOf(input.extras, format, losses)
  return { content: { parts: input.parts.map(partTo), ...(isObject(content) ? content : {}) }, rest: defined<JsonObject>({ title: input.title, ...rest }) }
}

/** The same of all, or undefined. */
function common<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined
}

/** What is not common stays with its item. */
function withOwn({ input, purpose, dimensions }: Item, shared: Pick<EmbedRequest, 'purpose' | 'dimensions'>): EmbedInput {
  const own = defined<JsonObject>({ taskType: purpose === shared.purpose || purpose === undefined ? undefined : tasks[purpose], outputDimensionality: dimensions === shared.dimensions ? undefined : dimensions })
  if (Object.keys(own).length === 0 || 'tokens' in input) return input
  return { ...input, extras: { format, fields: { ...own, ...input.extras?.fields } } }
}

function usageFrom({ usageMetadata, embeddings }: JsonObject): EmbedUsage | undefined {
  const told = isObject(usageMetadata) ? [usageMetadata['promptTokenCount'], usageMetadata['totalTokenCount']].find(isNumber) : undefined
  if (told !== undefined) return { tokens: told }
  const counts = (isList(embeddings) ? embeddings : []).flatMap((each) => (isObject(each) && isObject(each['statistics']) ? [each['statistics']['tokenCount'] ?? each['statistics']['token_count']] : []))
  return counts.length > 0 && counts.every(isNumber) ? { tokens: counts.reduce((sum, each) => sum + each, 0) } : undefined
}

export const geminiEmbed: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    const members = new Members(body)
    const list = members.take('requests', isList)
    if (!list && !isObject(body['content'])) throw new BadRequest('The request must have a "content" or a list of "requests".', 'content')
    const items = (list ?? [body]).map(itemFrom)
    const shared = defined<Pick<EmbedRequest, 'purpose' | 'dimensions'>>({ purpose: common(items.map(({ purpose }) => purpose)), dimensions: common(items.map(({ dimensions }) => dimensions)) })
    const fields = list ? members.rest() : undefined
    return defined<EmbedRequest>({
      model: place.model ?? items[0]?.model ?? '', inputs: items.map((item) => withOwn(item, shared)), ...(list ? {} : { single: true as const }), ...shared, extras: fields && { format, fields },
    })
  },
  encodeRequest(request, model) {
    const losses = new Losses()
    const fields = lose(request, format, ['dimensions', 'purpose'], losses)
    const { purpose, dimensions } = request
    const requests = request.inputs.map((input) => {
      const { content, rest } = inputTo(input, losses)
      return defined<JsonObject>({ model: `models/${model}`, content, taskType: purpose && tasks[purpose], outputDimensionality: dimensions, ...rest })
    })
    return { body: { requests, ...fields }, losses: losses.list }
  },
  decodeAnswer(body) {
    const members = new Members(body)
    const one = members.take('embedding', isObject)
    const list = members.take('embeddings', isList)
    const vectors = floatsFrom((one ? [one] : list ?? []).map((each) => (isObject(each) ? each['values'] : undefined)))
    const usage = usageFrom(body)
    const fields = members.rest()
    return defined<EmbedAnswer>({ model: '', vectors, usage, extras: fields && { format, fields } })
  },
  // An answer has no member for usage.
  encodeAnswer({ vectors, extras }, { request }) {
    const embeddings = vectors.map((vector) => ({ values: floatsOf(vector) }))
    const own = extras?.format === format ? extras.fields : {}
    return { ...(request.single ? { embedding: embeddings[0] ?? { values: [] } } : { embeddings }), ...own }
  },
}

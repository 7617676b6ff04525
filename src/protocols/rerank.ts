/**
 * Reranking: requests of clients in the words of Cohere (versions 1 and 2), Jina and Voyage, and those of the vendors that are not asked in Cohere's.
 * Pure; what a vendor cannot say is a loss. Usage is search units, tokens, or both, as each vendor bills.
 */
import type { Json, JsonObject } from './canonical.ts'
import { BadRequest, type Encoded, type Loss } from './codec.ts'
import { defined, isBoolean, isCount, isList, isNumber, isObject, isText, isTexts, Members } from './members.ts'

export type RerankFormat = 'cohere' | 'voyage' | 'bedrock-invoke'

export interface RerankRequest {
  /** As the client wrote it. */
  model: string
  query: string
  /** Texts, or objects, of which some members are ranked by. */
  documents: (string | JsonObject)[]
  /** Most results that are wanted. */
  topN?: number
  /** The results repeat their documents. */
  returnsDocuments?: boolean
  /** Members of documents to rank by, in this order; left out: `text`, or all. */
  rankFields?: string[]
  /** Longer documents are cut off. */
  maxTokensPerDocument?: number
  /** False: a text that is too long is an error. */
  truncates?: boolean
  /** It was asked in Voyage's words, and its results are read under Voyage's name. */
  words?: 'voyage'
  /** Members that this form does not name, as they came. */
  rest?: JsonObject
}

export interface RerankAnswer {
  id?: string
  model?: string
  /** Best first. `index`: of the document in the request. */
  results: { index: number; score: number }[]
  usage?: RerankUsage
}

/** One search unit is a query with up to 100 documents. */
export interface RerankUsage { searchUnits?: number; tokens?: number }

export interface RerankClient { request: RerankRequest; id: string }

const isDocument = (value: Json | undefined): value is string | JsonObject => isText(value) || isObject(value)

/** What a client of `/v1/rerank` or `/v2/rerank` sends. */
export function decodeRerank(body: JsonObject): RerankRequest {
  const members = new Members(body)
  const query = members.take('query', isText)
  const documents = members.take('documents', (value): value is (string | JsonObject)[] => isList(value) && value.every(isDocument))
  if (query === undefined) throw new BadRequest('The field "query" must be a text.', 'query')
  if (!documents || documents.length === 0) throw new BadRequest('The field "documents" must be a list of at least one text or object.', 'documents')
  return defined<RerankRequest>({
    model: members.take('model', isText) ?? '',
    query,
    documents,
    topN: members.take('top_n', isCount) ?? members.take('top_k', isCount),
    returnsDocuments: members.take('return_documents', isBoolean),
    rankFields: members.take('rank_fields', isTexts),
    maxTokensPerDocument: members.take('max_tokens_per_doc', isCount),
    truncates: members.take('truncation', isBoolean),
    words: body['top_n'] === undefined && (isCount(body['top_k']) || isBoolean(body['truncation'])) ? 'voyage' : undefined,
    rest: members.rest(),
  })
}

/** Has all members that clients of Cohere and of Jina read, or those of Voyage's. Documents are the client's own, since not every vendor repeats them. */
export function encodeRerank({ id, model, results, usage }: RerankAnswer, { request, id: own }: RerankClient): JsonObject {
  // Some vendors give no fewer than one.
  const known = results.filter(({ index }) => index < request.documents.length).slice(0, request.topN)
  const list = known.map(({ index, score }) => defined<JsonObject>({ index, relevance_score: score, document: request.returnsDocuments ? repeated(request.documents[index]!) : undefined }))
  return defined<JsonObject>({
    id: id ?? own,
    object: 'list',
    model: model ?? request.model,
    ...(request.words === 'voyage' ? { data: list } : { results: list }),
    meta: { api_version: { version: '2' }, billed_units: defined<JsonObject>({ search_units: usage?.searchUnits }) },
    usage: usage?.tokens === undefined ? undefined : { prompt_tokens: usage.tokens, total_tokens: usage.tokens },
  })
}

const repeated = (document: string | JsonObject): JsonObject => (isText(document) ? { text: document } : document)

/** As YAML, which Cohere advises for structured documents: https://docs.cohere.com/docs/reranking-best-practices. One that is only a text is that text. */
function textOf(document: string | JsonObject, rankFields: readonly string[] | undefined): string {
  if (isText(document)) return document
  const keys = rankFields ?? Object.keys(document)
  const [first] = keys
  if (keys.length === 1 && first === 'text' && isText(document['text'])) return document['text']
  return keys.flatMap((key) => (document[key] === undefined ? [] : [`${key}: ${isText(document[key]) ? document[key] : JSON.stringify(document[key])}`])).join('\n')
}

type Setting = 'topN' | 'returnsDocuments' | 'rankFields' | 'maxTokensPerDocument' | 'truncates'
const names: Readonly<Record<Setting, string>> = { topN: 'top_n', returnsDocuments: 'return_documents', rankFields: 'rank_fields', maxTokensPerDocument: 'max_tokens_per_doc', truncates: 'truncation' }

/** What is not `carried`; documents are returned and fields chosen by the gateway itself. `own`: fields that the vendor takes as they came. */
function lossesOf(request: RerankRequest, carried: readonly Setting[], own: readonly string[]): Loss[] {
  const settings = (['maxTokensPerDocument', 'truncates'] as const).filter((key) => request[key] !== undefined && !carried.includes(key))
  const fields = Object.entries(request.rest ?? {}).flatMap(([key, value]) => (value === null || own.includes(key) ? [] : [key]))
  return [...settings.map((key): Loss => ({ what: names[key], kind: 'hint' })), ...fields.map((key): Loss => ({ what: `the field "${key}"`, kind: 'meaning' }))]
}

function kept({ rest = {} }: RerankRequest, own: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(rest).filter(([key]) => own.includes(key)))
}

function resultsFrom(list: Json | undefined): RerankAnswer['results'] {
  return (isList(list) ? list : []).flatMap((each) => (isObject(each) && isCount(each['index']) && isNumber(each['relevance_score']) ? [{ index: each['index'], score: each['relevance_score'] }] : []))
}

function usageFrom({ meta, usage }: JsonObject): RerankUsage | undefined {
  const billed = isObject(meta) && isObject(meta['billed_units']) ? meta['billed_units'] : {}
  const counts = isObject(usage) ? usage : {}
  const tokens = [counts['total_tokens'], counts['prompt_tokens'], billed['total_tokens'], billed['input_tokens']].find(isNumber)
  const units = billed['search_units']
  return isNumber(units) || tokens !== undefined ? defined<RerankUsage>({ searchUnits: isNumber(units) ? units : undefined, tokens }) : undefined
}

function answerFrom(body: JsonObject): RerankAnswer {
  const { id, model, results, data } = body
  return defined<RerankAnswer>({ id: isText(id) ? id : undefined, model: isText(model) ? model : undefined, results: resultsFrom(results ?? data), usage: usageFrom(body) })
}

/** Clients are understood and answered in one way, whoever serves them. */
export interface RerankCodec {
  decodeRequest(body: JsonObject): RerankRequest
  /** `model` as the vendor names it. */
  encodeRequest(request: RerankRequest, model: string): Encoded
  decodeAnswer(body: JsonObject): RerankAnswer
  encodeAnswer(answer: RerankAnswer, client: RerankClient): JsonObject
}

const clients = { decodeRequest: decodeRerank, encodeAnswer: encodeRerank }

/** https://docs.cohere.com/reference/rerank */
const cohere: RerankCodec = {
  ...clients,
  encodeRequest(request, model) {
    const own = ['priority']
    const { query, documents, rankFields, topN, maxTokensPerDocument } = request
    const body = defined<JsonObject>({ model, query, documents: documents.map((each) => textOf(each, rankFields)), top_n: topN, max_tokens_per_doc: maxTokensPerDocument, ...kept(request, own) })
    return { body, losses: lossesOf(request, ['maxTokensPerDocument'], own) }
  },
  decodeAnswer: answerFrom,
}

/** https://docs.voyageai.com/reference/reranker-api */
const voyage: RerankCodec = {
  ...clients,
  encodeRequest(request, model) {
    const { query, documents, rankFields, topN, truncates } = request
    return { body: defined<JsonObject>({ model, query, documents: documents.map((each) => textOf(each, rankFields)), top_k: topN, truncation: truncates }), losses: lossesOf(request, ['truncates'], []) }
  },
  decodeAnswer: answerFrom,
}

/** Cohere's models by InvokeModel: https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html. The path names the model. */
const bedrockInvoke: RerankCodec = {
  ...clients,
  encodeRequest(request, model) {
    const { model: _model, ...body } = cohere.encodeRequest(request, model).body
    return { body: model.includes('cohere.') ? { api_version: 2, ...body } : body, losses: lossesOf(request, ['maxTokensPerDocument'], ['priority']) }
  },
  decodeAnswer: answerFrom,
}

export const rerankCodecs: Readonly<Record<RerankFormat, RerankCodec>> = { cohere, voyage, 'bedrock-invoke': bedrockInvoke }

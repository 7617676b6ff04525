/**
 * Text embeddings by Vertex's predict: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api.
 * Of an instance only its content and title are its own; the task is told with each of them.
 */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedAnswer, EmbedCodec, EmbedInput, EmbedRequest, Purpose } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isBoolean, isCount, isList, isNumber, isObject, isText, Members } from '../members.ts'
import { purposeOfTask, tasks } from './gemini.ts'
import { fieldsOf, floatsOf, lose, textOf, floatsFrom } from './parts.ts'

const format = 'vertex-predict'

const isTask = (value: Json | undefined): value is string => isText(value) && purposeOfTask.has(value)

function instanceFrom(value: Json): { input: EmbedInput; purpose: Purpose | undefined } {
  const members = new Members(isObject(value) ? value : {})
  const text = members.take('content', isText)
  if (text === undefined) throw new BadRequest('Each instance must have a text as its "content".', 'instances')
  const task = members.take('task_type', isTask) ?? members.take('taskType', isTask)
  const title = members.take('title', isText)
  const fields = members.rest()
  return { input: defined<EmbedInput>({ parts: [{ type: 'text', text }], title, extras: fields && { format, fields } }), purpose: purposeOfTask.get(task ?? '') }
}

export const vertexPredict: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    const members = new Members(body)
    const instances = (members.take('instances', isList) ?? []).map(instanceFrom)
    if (instances.length === 0) throw new BadRequest('The field "instances" must be a list of at least one instance.', 'instances')
    const parameters = new Members(members.take('parameters', isObject) ?? {})
    const [dimensions, cut] = [parameters.take('outputDimensionality', isCount), parameters.take('autoTruncate', isBoolean)]
    const left = parameters.rest()
    const rest = members.rest()
    const fields = left || rest ? { ...rest, ...(left && { parameters: left }) } : undefined
    const [first] = instances
    const isCommon = instances.every(({ purpose }) => purpose === first!.purpose)
    const inputs = instances.map(({ input, purpose }) => (isCommon || purpose === undefined || 'tokens' in input ? input : { ...input, extras: { format: 'vertex-predict' as const, fields: { task_type: tasks[purpose], ...input.extras?.fields } } }))
    return defined<EmbedRequest>({ model: place.model ?? '', inputs, purpose: isCommon ? first!.purpose : undefined, dimensions, truncate: cut === undefined ? undefined : cut ? 'end' : 'none', extras: fields && { format, fields } })
  },
  encodeRequest(request, _model) {
    const losses = new Losses()
    const { parameters: left, ...fields } = lose(request, format, ['dimensions', 'purpose', 'truncate'], losses)
    const { purpose, dimensions, truncate } = request
    if (truncate === 'start') losses.add('truncation at the start', 'hint')
    const instances = request.inputs.map((input) => defined<JsonObject>({
      content: textOf(input, losses), task_type: purpose && tasks[purpose], title: 'tokens' in input ? undefined : input.title, ...('tokens' in input ? {} : fieldsOf(input.extras, format, losses)),
    }))
    const parameters = defined<JsonObject>({ outputDimensionality: dimensions, autoTruncate: truncate === undefined ? undefined : truncate !== 'none', ...(isObject(left) ? left : {}) })
    return { body: { instances, ...(Object.keys(parameters).length > 0 && { parameters }), ...fields }, losses: losses.list }
  },
  decodeAnswer({ predictions, ...rest }) {
    const items = (isList(predictions) ? predictions : []).map((each) => (isObject(each) && isObject(each['embeddings']) ? each['embeddings'] : {}))
    const counts = items.map(({ statistics }) => (isObject(statistics) ? statistics['token_count'] ?? statistics['tokenCount'] : undefined))
    const usage = counts.length > 0 && counts.every(isNumber) ? { tokens: counts.reduce((sum, each) => sum + each, 0) } : undefined
    return defined<EmbedAnswer>({ model: '', vectors: floatsFrom(items.map(({ values }) => values)), usage, extras: Object.keys(rest).length > 0 ? { format, fields: rest } : undefined })
  },
  /** How many tokens each of several texts had, nobody else tells. */
  encodeAnswer({ vectors, usage, extras }) {
    const tokens = usage && vectors.length === 1 ? usage.tokens : undefined
    const predictions = vectors.map((vector) => ({ embeddings: { ...(tokens !== undefined && { statistics: { token_count: tokens, truncated: false } }), values: floatsOf(vector) } }))
    return { predictions, ...(extras?.format === format ? extras.fields : {}) }
  },
}

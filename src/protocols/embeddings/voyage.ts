/** Voyage's embeddings: OpenAI's but for the names of the dimensions, the purpose and truncation, and a coding that is either base64 or not said. https://docs.voyageai.com/reference/embeddings-api */
import type { EmbedCodec, EmbedRequest } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isBoolean, isCount, isText, Members, own } from '../members.ts'
import type { JsonObject } from '../canonical.ts'
import { openaiEmbeddings } from './openai.ts'
import { lose, textOf } from './parts.ts'

const format = 'voyage-embed'
const purposes: Readonly<Record<string, 'query' | 'document'>> = { query: 'query', document: 'document' }

export const voyageEmbed: EmbedCodec = {
  ...openaiEmbeddings,
  format,
  decodeRequest(body, place) {
    const { input_type: _, output_dimension: _dimension, truncation: _cut, ...rest } = body
    const { extras, ...request } = openaiEmbeddings.decodeRequest(rest, place)
    const members = new Members(body)
    const cut = members.take('truncation', isBoolean)
    return defined<EmbedRequest>({
      ...request, dimensions: members.take('output_dimension', isCount), purpose: own(purposes, members.take('input_type', isText)), truncate: cut === undefined ? undefined : cut ? 'end' : 'none',
      extras: extras && { format, fields: extras.fields },
    })
  },
  encodeRequest(request, model) {
    const losses = new Losses()
    const fields = lose(request, format, ['dimensions', 'purpose', 'truncate'], losses)
    const { purpose, truncate, coding, single, dimensions } = request
    const kind = purpose && own(purposes, purpose)
    if (purpose !== undefined && kind === undefined) losses.add(`the purpose "${purpose}"`, 'hint')
    if (truncate === 'start') losses.add('truncation at the start', 'hint')
    const inputs = request.inputs.map((input) => textOf(input, losses))
    const body = defined<JsonObject>({
      model, input: single ? inputs[0]! : inputs, input_type: kind, output_dimension: dimensions, truncation: truncate === undefined ? undefined : truncate !== 'none', encoding_format: coding === 'base64' ? coding : undefined, ...fields,
    })
    return { body, losses: losses.list }
  },
}

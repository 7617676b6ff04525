/** `/routing/explain`: which model would be chosen for a request, and why. The data plane runs the code of a request; nothing is dispatched, tried, learned or recorded. */
import { createRoute, type z } from '@hono/zod-openapi'
import { findKey } from '../../store/keys.ts'
import { may } from '../authorize.ts'
import { ControlError, errors } from '../errors.ts'
import { atKeyInBody, silent } from '../explain/routes.ts'
import { found, router } from '../router.ts'
import { body, json } from '../schema.ts'
import type { Services } from '../services.ts'
import { describeRecord } from './describe.ts'
import { explainedSchema, explainInput } from './schema.ts'

const explain = createRoute({
  ...may('routing:read', atKeyInBody), method: 'post', path: '/routing/explain', tags: ['Routing'], summary: 'Which model would be chosen for this request, and why', request: { body: body(explainInput) },
  responses: { 200: json(explainedSchema, 'What would be decided'), ...errors(400, 401, 403, 404, 503) },
})

type Input = z.output<typeof explainInput>

const anyTool = { type: 'function', function: { name: 'tool', parameters: { type: 'object', properties: {} } } }
const anyImage = { type: 'image_url', image_url: { url: 'https://example.com/image.png' } }

/** A request as a client would send it. A policy that is named takes the place of the one that the body asks for. */
function requestOf({ policy, prompt, body: given, tools, images, max_output_tokens: output, models, session }: Input): Record<string, unknown> {
  const model = policy === null ? 'auto' : `auto:${policy}`
  if (given !== undefined) return { ...given, ...((policy !== null || given['model'] === undefined) && { model }) }
  const options = { ...(models !== undefined && { models }), ...(session !== undefined && { session }) }
  return {
    model, messages: [{ role: 'user', content: images === true ? [{ type: 'text', text: prompt }, anyImage] : prompt }], ...(tools === true && { tools: [anyTool] }), ...(output !== undefined && { max_completion_tokens: output }),
    ...(Object.keys(options).length > 0 && { megarouter: options }),
  }
}

export const routingExplanations = (services: Services) => router().openapi(explain, async (c) => {
  const input = c.req.valid('json')
  const { org } = c.var.caller
  if (input.key_id !== null) found(await findKey(services.database, org, input.key_id), 'key', input.key_id)
  const answer = await services.question.routing({ what: 'explain', org, key: input.key_id, body: JSON.stringify(requestOf(input)), inputTokens: input.input_tokens ?? null })
  if (answer === null) throw silent()
  const { policy, record, removed, deployments, refused } = answer
  // Not of the request that is explained, but of the question.
  if (refused?.code === 'invalid_json') throw new ControlError('invalid_request', refused.message, { param: 'body' })
  const decision = record && describeRecord(record)
  return c.json({ policy, model: record?.chosen ?? null, decision, removed: decision?.removed ?? removed.map(({ reason, arms: models }) => ({ reason, models, more: 0 })), deployments, refused }, 200)
})

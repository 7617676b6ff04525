/** `/cache`: forgets the answers that are kept for an organisation. They are memory of the data plane, which may be slow to answer; then nothing is known to be forgotten. */
import { createRoute, z } from '@hono/zod-openapi'
import { may } from '../authorize.ts'
import { ControlError, errors } from '../errors.ts'
import { router } from '../router.ts'
import { json } from '../schema.ts'
import { edit, type Services } from '../services.ts'

const emptied = z.object({ answers: z.int(), bytes: z.int() }).openapi('EmptiedCache')
const empty = createRoute({
  ...may('settings:write'), method: 'delete', path: '/cache', tags: ['Settings'], summary: 'Forget all answers that are kept for the same request',
  responses: { 200: json(emptied, 'What was forgotten'), ...errors(401, 403, 503) },
})

export const cache = (services: Services) => router().openapi(empty, async (c) => {
  const { org } = c.var.caller
  const forgotten = await services.question.emptyCache(org)
  if (forgotten === null) throw new ControlError('data_plane_silent', 'The data plane did not answer within a second, so it is not known whether the answers are forgotten. Try again in a moment.', { retryAfterMs: 1_000 })
  await edit(services, c.var.caller, async (_write, record) => record({ action: 'cache.empty', resource: { kind: 'cache', id: org, name: null }, after: { ...forgotten } }))
  return c.json({ ...forgotten }, 200)
})

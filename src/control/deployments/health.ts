/** What the data plane knows of a deployment's health, as the API shows it. */
import { z } from '@hono/zod-openapi'
import type { Health } from '../services.ts'

export const healthSchema = z.object({
  state: z.enum(['closed', 'open', 'half_open']),
  reason: z.enum(['failures', 'outlier']).nullable().openapi({ description: 'Why the breaker is not closed: failures in a row, or failing more often than others that serve the same requests.' }),
  success_rate: z.number(),
  in_flight: z.int(),
  first_token_ms: z.number().openapi({ description: 'Faded peak of the time to the first token; 0: nothing measured lately.' }),
  answer_ms: z.number().openapi({ description: 'The same of plain answers.' }),
  opens_in_ms: z.number().openapi({ description: 'Until a probe is let through.' }),
  openings: z.int().openapi({ description: 'Times the breaker opened since the start.' }),
})

export const shownHealth = ({ state, reason, successRate, inFlight, firstTokenMs, answerMs, opensInMs, openings }: Health[number]): z.infer<typeof healthSchema> =>
  ({ state, reason, success_rate: successRate, in_flight: inFlight, first_token_ms: firstTokenMs, answer_ms: answerMs, opens_in_ms: opensInMs, openings })

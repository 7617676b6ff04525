/** Who is logged in. */
import { z } from '@hono/zod-openapi'

export const sessionSchema = z.object({
  user: z.object({ id: z.string(), name: z.string(), email: z.string(), role: z.literal('owner') }),
  organisation: z.object({ id: z.string(), name: z.string(), time_zone: z.string() }),
  csrf: z.string().openapi({ description: 'Send it as x-megarouter-csrf with every request that changes something. Empty with a bearer token, which needs none.' }),
}).openapi('Session')

export const logInSchema = z.strictObject({ email: z.string().min(1).max(254), password: z.string().min(1).max(1024) }).openapi('LogIn')

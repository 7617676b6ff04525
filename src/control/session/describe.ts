/** The session as the API shows it. */
import type { z } from '@hono/zod-openapi'
import { findSettings } from '../../store/settings.ts'
import type { Caller } from '../context.ts'
import type { Services } from '../services.ts'
import type { sessionSchema } from './schema.ts'

export async function describeSession({ database }: Services, caller: Caller): Promise<z.infer<typeof sessionSchema>> {
  const settings = await findSettings(database, caller.org)
  return {
    user: { ...caller.user, role: 'owner' },
    organisation: { id: caller.org, name: settings?.organisation ?? '', time_zone: settings?.timeZone ?? 'UTC' },
    csrf: caller.csrf,
  }
}

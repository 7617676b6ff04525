/** The committed data set of models.dev in the form in which its site publishes it. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export function realFeed(): Record<string, { models: Record<string, Record<string, unknown>> }> {
  const file = new URL('../../src/catalog/data/models-dev-2026-07-02.json.gz', import.meta.url)
  const { providers } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { providers: Record<string, { models: Record<string, Record<string, unknown>> }> }
  return providers
}

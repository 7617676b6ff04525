/**
 * The entry of a node: turns on the compile cache before anything else is loaded, since reading the sources is most of the time
 * that a restart takes, then starts the server. A cache that can't be written is no error: the start is only slower.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const cache = process.env['NODE_COMPILE_CACHE'] ?? fileURLToPath(new URL('../node_modules/.cache/megarouter', import.meta.url))
enableCompileCache(cache)
// Worker threads read the variable.
process.env['NODE_COMPILE_CACHE'] = cache

export async function main(): Promise<void> {
  const { serve } = await import('./server.ts')
  await serve(process.env)
}

if (import.meta.main) await main()

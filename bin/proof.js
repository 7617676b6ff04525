#!/usr/bin/env node
/** `npm run proof [name]`: prepares the clone if needed, then measures every claim and writes docs/measurements.md. */
import { join } from 'node:path'
import { command, environment, prepare, root, run } from './runtime.js'

await command(async () => {
  const node = await prepare({ development: true, console: true })
  process.exitCode = await run(node, [join(root, 'bench', 'run.ts'), ...process.argv.slice(2)], { env: environment(node) })
})

#!/usr/bin/env node
/** `npm test [files]`: prepares the clone if needed, then checks types and rules and runs every test. */
import { join } from 'node:path'
import { command, environment, prepare, root, run } from './runtime.js'

await command(async () => {
  const node = await prepare({ development: true, console: process.argv.length === 2 })
  process.exitCode = await run(node, [join(root, 'test', 'setup', 'run.ts'), ...process.argv.slice(2)], { env: environment(node) })
})

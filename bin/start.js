#!/usr/bin/env node
/** `npm start`: prepares the clone if needed and runs the gateway. */
import { join } from 'node:path'
import { command, prepare, root, supervise } from './runtime.js'

await command(async () => supervise(await prepare({ console: true }), [join(root, 'src', 'main.ts'), ...process.argv.slice(2)]))

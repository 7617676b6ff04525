#!/usr/bin/env node
/** The `megarouter` command: prepares the clone if needed and runs the command line. */
import { join } from 'node:path'
import { command, prepare, root, supervise } from './runtime.js'

const args = process.argv.slice(2)
await command(async () => supervise(await prepare({ console: args[0] === 'serve' }), [join(root, 'src', 'cli', 'main.ts'), ...args]))

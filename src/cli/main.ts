/** The `megarouter` command. Commands work on the same settings and database as the server; exit code 1 is a failure, 2 a wrong call. */
import { randomBytes } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { audit } from './audit.ts'
import { budgets, limits, policies } from './bounds.ts'
import { catalog } from './catalog.ts'
import { config } from './config.ts'
import { data } from './data.ts'
import { doctor } from './doctor.ts'
import { Output, type Io } from './io.ts'
import { keys } from './keys.ts'
import { ledger } from './ledger.ts'
import { masterKey } from './master-key.ts'
import { orgs, projects, teams, users } from './organisation.ts'
import { providers } from './providers.ts'
import { route } from './route.ts'
import { usage } from './usage.ts'

const processIo: Io = {
  variables: process.env,
  write: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  epochMs: Date.now,
  random: randomBytes,
}

/** Runs one command; resolves with the exit code. `serve` resolves when the gateway listens and leaves the process running. */
export async function run(args: readonly string[], io: Io = processIo): Promise<number> {
  let code = 0
  const program = new Command('megarouter')
    .description('One self-hosted gateway for all AI models.')
    .version(version)
    .option('--json', 'print JSON instead of text')
    .exitOverride()
    .configureOutput({ writeOut: io.write, writeErr: io.error })
  const output = (): Output => new Output(io, program.opts<{ json?: boolean }>().json === true)
  program.command('serve').description('start the gateway (the default)').action(serve)
  doctor(program, io, output, () => { code = 1 })
  keys(program, io, output)
  for (const each of [orgs, teams, projects, users, budgets, limits, policies]) each(program, io, output)
  providers(program, io, output, () => { code = 1 })
  catalog(program, io, output)
  usage(program, io, output)
  route(program, io, output)
  ledger(program, io, output, () => { code = 1 })
  audit(program, io, output, () => { code = 1 })
  masterKey(program, io, output, () => { code = 1 })
  config(program, io, output, (value) => { code = value })
  data(program, io, output)
  takeJsonEverywhere(program)
  try {
    await program.parseAsync(args.length === 0 ? ['serve'] : args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const message = messageOf(error)
    io.error(args.includes('--json') ? `${JSON.stringify({ error: { message } })}\n` : `${message.split('\n').map((line) => `megarouter: ${line}`).join('\n')}\n`)
    return 1
  }
}

/** A mistake of ours is shown with its stack, so that it can be reported; everything else in its own words. */
function messageOf(error: unknown): string {
  if (error instanceof TypeError || error instanceof ReferenceError) return error.stack ?? error.message
  return error instanceof Error ? error.message : String(error)
}

/** `megarouter --json keys list` and `megarouter keys list --json` are the same. */
function takeJsonEverywhere(program: Command): void {
  const visit = (command: Command): void => {
    for (const each of command.commands) {
      each.option('--json', 'print JSON instead of text').on('option:json', () => program.setOptionValue('json', true))
      visit(each)
    }
  }
  visit(program)
}

async function serve(): Promise<void> {
  const { main } = await import('../main.ts')
  await main()
}

if (import.meta.main) {
  const code = await run(process.argv.slice(2))
  if (code !== 0) process.exitCode = code
}

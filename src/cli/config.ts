/** `megarouter config`: checks megarouter.yaml without starting anything, and prints the JSON Schema that editors use. */
import type { Command } from 'commander'
import { errorText, jsonSchema, loadConfig } from '../config.ts'
import { vendors } from '../providers/index.ts'
import { readSettings } from './installation.ts'
import { CommandError, type Io, type Output } from './io.ts'

export function config(program: Command, io: Io, output: () => Output): void {
  const command = program.command('config').description('check megarouter.yaml')
  command.command('validate [file]').description('check a file (default: MEGAROUTER_CONFIG, or ./megarouter.yaml)')
    .action((file?: string) => validate(io, output(), file))
  command.command('schema').description('print the JSON Schema of megarouter.yaml')
    .action(() => io.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`))
}

function validate(io: Io, output: Output, file: string | undefined): void {
  const loaded = loadConfig(file ?? readSettings(io).configFile, io.variables, [...vendors.keys()])
  if (!loaded.ok) throw new CommandError(loaded.errors.map((error) => errorText(error, loaded.path)).join('\n'))
  output.show({ ok: true, file: loaded.path }, () => [loaded.path === null ? 'There is no megarouter.yaml here; the environment alone applies.' : `${loaded.path} is valid.`])
}

/** `megarouter migrate`, `backup` and `restore`: the installation's data as a whole. */
import type { Command } from 'commander'
import { backup as backUp, restore as putBack, type Manifest } from '../store/backup.ts'
import { readSettings, withInstallation } from './installation.ts'
import { count, type Io, type Output } from './io.ts'

export function data(program: Command, io: Io, output: () => Output): void {
  program.command('migrate').description('bring the database to this version’s schema (serve does it too)')
    .action(() => withInstallation(io, async ({ database }) => {
      output().show({ database: database.kind, current: true }, () => [`The schema of the ${database.kind} database is current.`])
    }))
  program.command('backup <folder>').description('copy the embedded database, stored content and key file; the server may run')
    .action((folder: string) => withInstallation(io, async ({ database }) => show(output(), await backUp(database, folder, io.epochMs()), `Backed up to ${folder}.`)))
  program.command('restore <folder>').description('put a backup in place; stop the server first')
    .option('--force', 'move what is in the data directory aside')
    .action(async (folder: string, options: { force?: boolean }) => {
      const { dataDir } = readSettings(io)
      show(output(), await putBack(folder, dataDir, { force: options.force === true, nowMs: io.epochMs() }), `Restored into ${dataDir}.`)
    })
}

function show(output: Output, manifest: Manifest, done: string): void {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  output.show(manifest, () => [`${done} ${count(manifest.files.length)} files, ${count(bytes)} bytes, checksums verified.`])
}

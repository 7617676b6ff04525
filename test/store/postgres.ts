/**
 * A temporary PostgreSQL cluster for tests, from the binaries of the machine: own directory, free port of 127.0.0.1, removed at the end.
 * `findPostgres` is null where PostgreSQL isn't installed. Started as root, the server runs as the user `postgres`, since it refuses root.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Postgres {
  /** Makes an empty database and returns its URL. */
  create(): Promise<string>
  /** Stops the server as a crash or an operator would; `start` brings it back with its data. */
  halt(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const installed = '/usr/lib/postgresql'
const startAttempts = 200

export function findPostgres(): string | null {
  if (!existsSync(installed)) return null
  const versions = readdirSync(installed).filter((version) => existsSync(join(installed, version, 'bin', 'initdb')))
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? null : join(installed, newest, 'bin')
}

function serverUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((entry) => entry.startsWith('postgres:'))
  if (line === undefined) throw new Error('PostgreSQL refuses to run as root and there is no user postgres')
  const [, , uid, gid] = line.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

export async function startPostgres(bin: string): Promise<Postgres> {
  const user = serverUser()
  const root = mkdtempSync(join(tmpdir(), 'megarouter-postgres-'))
  if (user) chownSync(root, user.uid, user.gid)
  const data = join(root, 'data')
  const run = (name: string, args: string[]): ChildProcess => spawn(join(bin, name), args, { cwd: root, stdio: 'ignore', ...user })
  const [code] = await once(run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']), 'exit')
  if (code !== 0) throw new Error(`initdb ended with ${code}`)
  const port = await freePort()
  const url = (name: string): string => `postgres://postgres@127.0.0.1:${port}/${name}`
  let server: ChildProcess | null = null
  let count = 0

  const start = async (): Promise<void> => {
    server = run('postgres', ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off', '-c', 'max_connections=60'])
    for (let attempt = 0; ; attempt++) {
      try {
        await (await connectTo(url('postgres'))).end()
        return
      } catch (error) {
        if (attempt === startAttempts || server.exitCode !== null) throw new Error('the test PostgreSQL did not start', { cause: error })
        await sleep(50)
      }
    }
  }
  const halt = async (): Promise<void> => {
    if (server === null) return
    const exited = once(server, 'exit')
    server.kill('SIGQUIT')
    await exited
    server = null
  }
  await start()
  return {
    start,
    halt,
    async create() {
      const client = await connectTo(url('postgres'))
      const name = `test_${++count}`
      // In a linguistic order of texts, as installations often have it.
      await client.query(`create database ${name} template template0 locale_provider icu icu_locale 'en-US'`)
      await client.end()
      return url(name)
    },
    async stop() {
      await halt()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

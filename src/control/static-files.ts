/**
 * The console's built files, read once into memory and looked up by exact name: no request path ever reaches the file system.
 * A directory that does not exist means that the console was not built; then a page says so, and the admin API works without it.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { MiddlewareHandler } from 'hono'
import type { ControlEnv } from './context.ts'
import { ControlError } from './errors.ts'

interface StaticFile {
  type: string
  etag: string
  immutable: boolean
  body: Uint8Array<ArrayBuffer>
  br: Uint8Array<ArrayBuffer> | null
  gzip: Uint8Array<ArrayBuffer> | null
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8', '.webmanifest': 'application/manifest+json',
}

const maxFiles = 2_000
/** Vite writes a hash into the names of what it bundles. */
const hashed = /-[\w-]{8}\.\w+$/

function readStaticFiles(directory: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>()
  let names: string[]
  try {
    names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return files
    throw error
  }
  if (names.length > maxFiles) throw new Error(`${directory} holds ${names.length} files, more than ${maxFiles}: it is not a build of the console`)
  const present = new Set(names)
  const read = (name: string): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(name))
  for (const name of names) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const body = read(name)
    files.set(`/${name.slice(directory.length).replaceAll('\\', '/').replace(/^\/+/, '')}`, {
      type,
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      immutable: hashed.test(name),
      body,
      br: present.has(`${name}.br`) ? read(`${name}.br`) : null,
      gzip: present.has(`${name}.gz`) ? read(`${name}.gz`) : null,
    })
  }
  return files
}

function encoded(file: StaticFile, accepted: string): { body: Uint8Array<ArrayBuffer>; encoding: 'br' | 'gzip' | null } {
  if (file.br !== null && /\bbr\b/.test(accepted)) return { body: file.br, encoding: 'br' }
  if (file.gzip !== null && /\bgzip\b/.test(accepted)) return { body: file.gzip, encoding: 'gzip' }
  return { body: file.body, encoding: null }
}

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>MegaRouter</title>
<h1>The console is not built</h1><p>The gateway and the admin API work. To build the console, stop MegaRouter and run <code>npm start</code>,
or <code>npx vite build console</code> in its directory.</p><p><a href="/api/docs">Documentation of the admin API</a></p></html>`

/** Answers GET for files, and for pages of the console (`/`, and any other path that a browser asks for as HTML). */
export function serveConsole(directory: string): MiddlewareHandler<ControlEnv> {
  let files = readStaticFiles(directory)
  return async (c) => {
    if (files.size === 0) files = readStaticFiles(directory)
    const wantsPage = c.req.path === '/' || ((c.req.header('accept') ?? '').includes('text/html') && !c.req.path.startsWith('/api/'))
    const file = files.get(c.req.path) ?? (wantsPage ? files.get('/index.html') : undefined)
    if (file === undefined) {
      if (wantsPage) return c.html(notBuilt, 503)
      throw new ControlError('not_found', `There is no ${c.req.method} ${c.req.path}. The admin API is described at /api/docs.`)
    }
    c.header('etag', file.etag)
    c.header('vary', 'accept-encoding')
    c.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (c.req.header('if-none-match') === file.etag) return c.body(null, 304)
    const { body, encoding } = encoded(file, c.req.header('accept-encoding') ?? '')
    c.header('content-type', file.type)
    if (encoding !== null) c.header('content-encoding', encoding)
    return c.body(body)
  }
}

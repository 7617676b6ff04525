/**
 * Where refusals are provoked: a gateway with a small organisation, and the notes of what was sent and answered. An answer of another
 * status or code than the refusal has, or a preparation that is refused, ends the run with what was said.
 */
import { connect, type Socket } from 'node:net'
import type { GatewayProcess } from '../../test/gateway-process.ts'

export interface Shown {
  title: string
  note: string
  method: string
  path: string
  headers: Record<string, string>
  body: string | null
  status: number
  code: string
  answer: string
  answerHeaders: Record<string, string>
}

/** In place of a code: the words of a vendor, passed on as they came. */
export const ofVendor = 'upstream'

export interface Refused {
  title: string
  /** Of what was set up for it. */
  note?: string
  status: number
  code: string
  method?: string
  path: string
  /** A credential; null sends none. */
  as: string | null
  headers?: Record<string, string>
  body?: object | string
  /** Run once the first bytes of the answer are there: for what befalls a stream, which then ends with an event. */
  during?: () => Promise<unknown>
}

export interface Said { status: number; text: string; headers: Headers }

/** Names that developers see in the transcripts. */
export interface Ids { engineering: string; search: string; ranker: string; ada: string; account: string }

const shownHeaders = ['retry-after', 'x-should-retry', 'allow', 'www-authenticate', 'x-megarouter-error-source'] as const

const fixed: readonly (readonly [RegExp, string])[] = [
  [/\b(req|org|team|proj|key|usr|sa|bud|lim|pol|mem|tok|role|inc|lnk|alc|ald|crd)_[0-9a-z]{26}\b/g, '$1_01example'],
  [/%2Falc_[0-9a-z]{26}/g, '%2Falc_01example'],
  [/\bmrt-[0-9A-Za-z]{20,}/g, 'mrt-…'],
  [/\bmr-[0-9A-Za-z]{20,}/g, 'mr-…'],
  [/test-admin-token-\d+/g, '$$MEGAROUTER_ADMIN_TOKEN'],
  [/(megarouter_session|megarouter_oidc)=[\w.-]{20,}/g, '$1=…'],
  [/((?:token|ticket)\\*":\\*")[\w.-]{20,}/g, '$1…'],
  [/(x-megarouter-csrf":")[\w-]{20,}/g, '$1…'],
  [/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:8080'],
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, '2026-01-01T00:00:00.000Z'],
  [/\b(in|for|after|another|about) \d+(\.\d+)? ?(s|ms|seconds?|minutes?|hours?|days?)\b/g, '$1 20 s'],
]
const normalised = (text: string): string => fixed.reduce((so, [pattern, by]) => so.replaceAll(pattern, by), text)

export class Stage {
  readonly gateway: GatewayProcess
  readonly ids: Ids
  #shown: Shown[] = []

  private constructor(gateway: GatewayProcess, ids: Ids) {
    this.gateway = gateway
    this.ids = ids
  }

  /** Without an organisation to play in. */
  static bare(gateway: GatewayProcess): Stage {
    return new Stage(gateway, { engineering: '', search: '', ranker: '', ada: '', account: '' })
  }

  static async open(gateway: GatewayProcess): Promise<Stage> {
    const bare = Stage.bare(gateway)
    const { config } = await bare.set<{ config: { error: string | null } }>('GET', '/status')
    if (config.error !== null) throw new Error(config.error)
    const engineering = await bare.make('/teams', { name: 'Engineering' })
    const search = await bare.make('/teams', { name: 'Search', parent_id: engineering })
    const ranker = await bare.make('/projects', { name: 'Ranker', parent_id: search })
    const ada = await bare.make('/users', { email: 'ada@example.com', name: 'Ada', memberships: [{ node_id: search, role: 'developer' }], invite: false })
    const account = await bare.make('/service-accounts', { name: 'Nightly', node_id: search })
    return new Stage(gateway, { engineering, search, ranker, ada, account })
  }

  /** Prepares something; what was answered. */
  async set<Body = { id: string }>(method: string, path: string, body?: object): Promise<Body> {
    const { status, body: answer } = await this.gateway.admin<Body>(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path} ${JSON.stringify(body)} answered ${status}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** The id of what was made. */
  async make(path: string, body: object): Promise<string> {
    return (await this.set('POST', path, body)).id
  }

  /** The text of a new key of the project. */
  async key(fields: object = {}): Promise<string> {
    return (await this.gateway.createKey({ name: 'ranker', node_id: this.ids.ranker, ...fields })).key
  }

  /** An API token of a service account that is made for it. */
  async tokenOf(name: string, role: string, node: string, scopes: readonly string[]): Promise<string> {
    const id = await this.make('/service-accounts', { name, node_id: node })
    await this.make('/memberships', { principal: { kind: 'service_account', id }, node_id: node, role })
    return (await this.set<{ token: string }>('POST', `/service-accounts/${id}/tokens`, { name: 'token', scopes })).token
  }

  /** Something that is there only while `work` runs. */
  async while(path: string, body: object, work: (id: string) => Promise<void>): Promise<void> {
    const id = await this.make(path, body)
    await work(id)
    await this.set('DELETE', `${path}/${id}`)
  }

  async send({ method = 'POST', path, as, headers = {}, body, during }: Omit<Refused, 'title' | 'status' | 'code'>): Promise<Said> {
    const response = await fetch(this.gateway.url + path, {
      method, headers: { ...(as !== null && { authorization: `Bearer ${as}` }), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const { status, headers: given } = response
    if (during === undefined || response.body === null) return { status, text: await response.text(), headers: given }
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) if (chunks.push(chunk) === 1) await during()
    return { status, text: Buffer.concat(chunks).toString(), headers: given }
  }

  /** Something that has to work before the refusal. */
  async served(wanted: Omit<Refused, 'title' | 'status' | 'code'>): Promise<Said> {
    const said = await this.send(wanted)
    if (said.status >= 300) throw new Error(`${wanted.path} was to be served, and answered ${said.status}: ${said.text}`)
    return said
  }

  /** Provokes a refusal and notes it. */
  async refused(wanted: Refused): Promise<void> {
    this.note(wanted, await this.send(wanted))
  }

  /** The same by the length of the body alone: who is refused before he has sent it may lose the answer. */
  async refusedByLength(wanted: Refused & { body: object }): Promise<void> {
    this.note(wanted, await this.#sendHead(wanted, [`content-type: application/json`, `content-length: ${JSON.stringify(wanted.body).length}`, 'connection: close']))
  }

  /** The same with headers that belong to the connection, without a body. */
  async refusedByHead(wanted: Refused & { headers: Record<string, string> }): Promise<void> {
    this.note(wanted, await this.#sendHead(wanted, Object.entries(wanted.headers).map(([name, value]) => `${name}: ${value}`)))
  }

  async #sendHead({ method = 'POST', path, as }: Refused, fields: readonly string[]): Promise<Said> {
    const { hostname, port } = new URL(this.gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write([`${method} ${path} HTTP/1.1`, `host: ${hostname}`, `authorization: Bearer ${as}`, ...fields, '', ''].join('\r\n'))
    return answerOn(socket)
  }

  /** Notes a refusal that was answered. */
  note(wanted: Refused, { status, text, headers: given }: Said): void {
    const { title, note = '', method = 'POST', path, as, headers = {}, body } = wanted
    const event = /^data: (\{"error":.*\})$/m.exec(text)?.[1]
    const isVendors = wanted.code === ofVendor && given.get('x-megarouter-error-source') === 'upstream'
    const code = isVendors ? ofVendor : codeOf(event ?? text)
    if (status !== wanted.status || code !== wanted.code) throw new Error(`${title}: ${wanted.status} ${wanted.code} was expected and ${method} ${path} answered ${status}: ${text.slice(-2_000)}`)
    const sent = { ...(as !== null && { authorization: `Bearer ${as}` }), ...headers }
    const got = Object.fromEntries(shownHeaders.flatMap((name) => (given.has(name) ? [[name, name === 'retry-after' ? '20' : given.get(name)!]] : [])))
    const shown: Shown = {
      title, note, method, path, headers: sent, body: body === undefined ? null : shorten(typeof body === 'string' ? body : JSON.stringify(body)), status, code,
      answer: event === undefined ? text.trim() : `data: …\n\ndata: ${event}`, answerHeaders: event === undefined ? got : { 'content-type': 'text/event-stream', ...got },
    }
    this.#shown.push(JSON.parse(normalised(JSON.stringify(shown))) as Shown)
  }

  /** What was noted since the last time. */
  taken(): Shown[] {
    return this.#shown.splice(0)
  }
}

/** All that comes until the server closes. */
export async function answerOn(socket: Socket): Promise<Said> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const [head = '', text = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = new Headers(fields.map((field): [string, string] => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).trim()]))
  // As a body in one chunk or with its length.
  return { status: Number(line.split(' ')[1]), text: text.replace(/^[0-9a-f]+\r\n|\r\n0$/g, ''), headers }
}

function codeOf(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { code?: string } }).error?.code ?? ''
  } catch {
    return ''
  }
}

const shorten = (text: string): string => (text.length <= 600 ? text : `${text.slice(0, 200)} … (${text.length} characters)`)

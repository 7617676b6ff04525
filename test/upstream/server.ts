/**
 * The test upstream: a real HTTP/1.1 server on loopback that replays recorded vendors, misbehaves on request and keeps its own bill.
 * The model name says what it answers: `<record id>`, `echo-<n>` or `embed`, and after `+` the faults of `faults.ts`.
 * Nothing here imports from `src/`, so that gateway and oracle can't share a mistake. See docs/decisions/0008-test-upstream.md.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { answerOf, errorAnswer, modelsAnswer, type Answer, type ChatRequest } from './answers.ts'
import { createBill, partOf, type Bill, type BillOptions, type ChargeOutcome } from './bill.ts'
import { noFaults, parseFaults, splitModel, type Faults } from './faults.ts'
import { readRequests, type ArrivedRequest } from './http.ts'
import { play, type Peer, type Played } from './play.ts'
import { seeded } from '../../src/simulated/random.ts'
import { spoil } from './spoil.ts'

export interface Arrival {
  /** 1, 2, … in order of arrival; the bill's number. */
  number: number
  method: string
  path: string
  headers: Record<string, string>
  rawHeaders: [string, string][]
  /** The exact bytes. */
  body: Buffer
  model: string
  attemptId: string | null
  /** Serial number of the connection. */
  connection: number
  /** Epoch ms, fractional, so that processes of one machine can compare. */
  arrivedAt: number
  /** When the client closed before the answer was complete. */
  clientLeftAt: number | null
  played: Played | null
  /** Resolves when the answer has ended, however it did. */
  ended: Promise<void>
}

export interface Upstream {
  /** For example `http://127.0.0.1:40123/v1`. */
  url: string
  port: number
  bill: Bill
  /** The latest arrivals, oldest first. */
  log: Arrival[]
  /** Arrivals of one full model name. */
  arrivalsOf(model: string): Arrival[]
  /** Gives a model name faults, besides those in the name; an empty text takes them away. */
  script(model: string, faults: string): void
  /** From now on connections are refused and open ones reset, until `accept`. */
  refuse(): Promise<void>
  accept(): Promise<void>
  openConnections(): number
  close(): Promise<void>
}

export interface UpstreamOptions extends BillOptions {
  port?: number
  /** Decides chunk sizes. */
  seed?: number
  /** Bytes per HTTP chunk where the model name does not say: see `Faults.chunk`. */
  chunk?: Exclude<Faults['chunk'], null>
  /** Arrivals that are kept. */
  logEntries?: number
}

const now = (): number => performance.timeOrigin + performance.now()

function parseRequest(body: Buffer): ChatRequest | null {
  try {
    const parsed = JSON.parse(body.toString()) as unknown
    return typeof parsed === 'object' && parsed !== null ? (parsed as ChatRequest) : null
  } catch {
    return null
  }
}

const listen = (server: Server, port: number): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', () => { server.removeListener('error', reject); resolve() })
  return promise
}
const stop = (server: Server): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  return promise
}

/** Charges what the vendor would, by how the answer ended. */
function settle(bill: Bill, number: number, answer: Answer, faults: Faults, free: boolean, reported: boolean, played: Played): void {
  if (played.end === 'left' && faults.blackHole) return
  const errorBeforeOutput = faults.error !== null && played.generated === 0
  const outcome: Exclude<ChargeOutcome, 'open'> =
    free || errorBeforeOutput ? 'error'
    : played.end === 'left' && (answer.rules.billsAfterAbort || faults.billsAfterAbort) ? 'billed_after_abort'
    : played.end === 'complete' && played.generated === 1 ? 'complete' : 'partial'
  const units = outcome === 'partial' ? partOf(answer.units, played.generated) : answer.units
  bill.settle(number, outcome, units, reported && outcome === 'complete')
}

/** What one server knows: its answers and faults by model name, its log and its bill. */
class Oracle {
  readonly log: Arrival[] = []
  readonly bill: Bill
  readonly scripts = new Map<string, string>()
  private readonly options: UpstreamOptions
  private readonly seen = new Map<string, number>()

  constructor(options: UpstreamOptions) {
    this.options = options
    this.bill = createBill(options)
  }

  async answer(peer: Peer, connection: number, request: ArrivedRequest): Promise<void> {
    const asked = parseRequest(request.body)
    const model = typeof asked?.model === 'string' ? asked.model : ''
    const attemptId = request.headers['x-client-request-id'] ?? null
    const { answer, faults } = this.choose(request, asked, model)
    const number = this.bill.open({ attemptId, model, vendor: answer.vendor })
    const ended = Promise.withResolvers<void>()
    const arrival: Arrival = { ...request, number, model, attemptId, connection, arrivedAt: now(), clientLeftAt: null, played: null, ended: ended.promise }
    this.log.push(arrival)
    if (this.log.length > (this.options.logEntries ?? 10_000)) this.log.shift()
    peer.whenLeft.then(() => { if (arrival.played === null || arrival.played.end === 'left') arrival.clientLeftAt ??= now() }, () => {})
    const script = spoil(answer, faults)
    const played = await play(peer, script, faults, seeded((this.options.seed ?? 1) * 1_000_003 + number))
    arrival.played = played
    const silent = script.stream && !script.reported && script.pieces.every((part) => !part.output)
    const free = request.method === 'GET' || script.status >= 400 || faults.okError || faults.empty || silent
    settle(this.bill, number, answer, faults, free, script.reported, played)
    if (request.headers['connection']?.toLowerCase() === 'close' && played.end === 'complete') peer.socket.end()
    ended.resolve()
  }

  private choose(request: ArrivedRequest, asked: ChatRequest | null, model: string): { answer: Answer; faults: Faults } {
    const plain = { ...noFaults(), chunk: 'whole' as const }
    const path = request.path.split('?')[0]!
    if (request.method === 'GET' && path.endsWith('/models')) return { answer: modelsAnswer(), faults: plain }
    if (request.method !== 'POST' || !/\/(chat\/completions|completions|embeddings)$/.test(path)) return { answer: errorAnswer(404, `No route ${request.method} ${path}.`), faults: plain }
    if (asked === null) return { answer: errorAnswer(400, 'The body is not a JSON object.'), faults: plain }
    try {
      return { faults: this.faultsOf(model), answer: answerOf(splitModel(model).base, path, asked) }
    } catch (error) {
      return { answer: errorAnswer(400, String(error)), faults: plain }
    }
  }

  private faultsOf(model: string): Faults {
    const { base, faults: spec } = splitModel(model)
    const faults = parseFaults([spec, this.scripts.get(model) ?? ''].join('+'))
    faults.chunk ??= this.options.chunk ?? (base.startsWith('echo-') || base === 'embed' ? 'whole' : 'random')
    const times = (this.seen.get(model) ?? 0) + 1
    this.seen.set(model, times)
    const isWell = (faults.fails > 0 && times > faults.fails) || seeded((this.options.seed ?? 1) * 7_919 + times)() >= faults.percent / 100
    return isWell ? { ...noFaults(), chunk: faults.chunk } : faults
  }
}

/** A socket that knows when its client has left. */
function peerOf(socket: Socket): Peer {
  let gone = false
  const leave = Promise.withResolvers<void>()
  const left = (): void => { gone = true; leave.resolve() }
  socket.on('error', left)
  socket.on('end', () => { left(); socket.end() })
  socket.on('close', left)
  return { socket, left: () => gone, whenLeft: leave.promise }
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const oracle = new Oracle(options)
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = ++connections
    const peer = peerOf(socket)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    readRequests(socket, (request) => oracle.answer(peer, connection, request))
  })
  await listen(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const refuse = async (): Promise<void> => {
    const stopped = stop(server)
    // A socket that is shutting down can't be reset any more (EINVAL) and would stay open.
    for (const socket of sockets) if (socket.writableEnded) socket.destroy(); else socket.resetAndDestroy()
    await stopped
  }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    bill: oracle.bill,
    log: oracle.log,
    arrivalsOf: (model) => oracle.log.filter((arrival) => arrival.model === model),
    script: (model, faults) => { parseFaults(faults); oracle.scripts.set(model, faults) },
    refuse,
    accept: () => listen(server, port),
    openConnections: () => sockets.size,
    close: async () => {
      if (server.listening) await refuse()
      oracle.bill.close()
    },
  }
}

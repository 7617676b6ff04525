/**
 * The one listener: matches method and path exactly as they came (what is authorised is what is dispatched), hands data-plane
 * requests to the pipeline, answers the operations paths, and forwards the rest to the control worker's private socket.
 */
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { BlockList } from 'node:net'
import type { Clock } from '../clock.ts'
import { failure, type Failure } from '../errors.ts'
import { isLoopback } from '../loopback.ts'
import { authenticate } from './authenticate.ts'
import { clientAddress, forwardedProto } from './client-address.ts'
import { Exchange } from './exchange.ts'
import { handleFeedback } from './feedback.ts'
import { keptIn, type Kept } from './kept-responses.ts'
import { listBody, listForm, modelBody } from './model-lists.ts'
import { describeModel, listModels } from './models.ts'
import { handle, type Gateway } from './pipeline.ts'
import { recordOf } from './record.ts'
import { refuse, sendJson } from './respond.ts'
import { feedbackPath, isDataPath, plainRoute, routeOf, servedPaths, unescaped, type Route } from './routes.ts'
import type { Snapshot } from './snapshot.ts'
import { handleObject, objectRouteOf } from './vendor-objects.ts'

export interface Door {
  gateway: Gateway
  clock: Clock
  trusted: BlockList
  /** Null until the first one was published. */
  snapshot(): Snapshot | null
  /** Why the process is not ready for traffic, or null. */
  notReady(): string | null
  draining(): boolean
  /** Memory is above its watermark: new requests are shed, running ones go on. */
  overloaded(): boolean
  metrics(): Promise<{ text: string; contentType: string }>
  mayReadMetrics(request: IncomingMessage): boolean
  /** Where admin API and console listen; null when they have a port of their own or are not up yet. */
  controlSocket(): string | null
  isTls: boolean
}

/** The list of models, or one of them. */
const modelPath = /^(?:\/v1(?:beta)?\/models(?:\/(.+))?|\/inference-profiles)$/

/** Never throws: a defect ends this request and nothing else. */
export function route(door: Door, request: IncomingMessage, response: ServerResponse): void {
  try {
    dispatch(door, request, response)
  } catch (error) {
    door.gateway.onDefect(error, null)
    response.destroy()
  }
}

function dispatch(door: Door, request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  if (isDataPath(path)) return dataPlane(door, request, response, path, query < 0 ? '' : url.slice(query + 1))
  // Tools look whether somebody is there before they begin.
  if (path === '/' && request.method === 'HEAD') return void response.writeHead(200).end()
  if (path.startsWith('/health/') || path === '/metrics') return operations(door, request, response, path)
  toControl(door, request, response)
}

function dataPlane(door: Door, request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
  const object = objectRouteOf(request.method ?? '', path)
  const served = object ?? routeOf(path, query)
  const isModels = served === null && modelPath.test(path) && !(request.method === 'POST' && path.includes(':'))
  const isFeedback = path === feedbackPath
  const exchange = begin(door, request, response, served ?? plainRoute(isModels ? 'models' : isFeedback ? 'feedback' : 'unsupported', path, listForm(path, request)))
  if (!exchange) return
  if (object?.action) return void handleObject(exchange, door.gateway, object).catch((error: unknown) => door.gateway.onDefect(error, exchange.id))
  if (served && !object && request.method === 'POST') return void handle(exchange, door.gateway).catch((error: unknown) => door.gateway.onDefect(error, exchange.id))
  if (isModels && request.method === 'GET') return models(door, exchange, path)
  if (isFeedback && request.method === 'POST') return void handleFeedback(exchange, door.gateway).catch((error: unknown) => door.gateway.onDefect(error, exchange.id))
  const kept = served === null ? keptIn(path) : null
  if (kept && (request.method === 'GET' || request.method === 'DELETE')) return void serveKept(door, exchange, kept).catch((error: unknown) => door.gateway.onDefect(error, exchange.id))
  if (request.headers.upgrade !== undefined) return refuseAndRecord(door, exchange, failure('upgrade_required', 'This is served by plain HTTP and not over a WebSocket. Send a POST request.'))
  refuseAndRecord(door, exchange, served || isModels || isFeedback
    ? failure('method_not_allowed', `${path.slice(0, 100)} takes ${object ? methodsOf(path) : isModels ? 'GET' : 'POST'}, not ${request.method}.`)
    : failure('unsupported_endpoint', `${path.slice(0, 100)} is not served here. Served are POST ${servedPaths.join(', POST ')}, GET /v1/models, /v1/files, /v1/batches.`))
}

/** Of files and batches. */
const methodsOf = (path: string): string => (path.endsWith('/content') ? 'GET' : path.endsWith('/cancel') ? 'POST' : /^\/v1\/\w+$/.test(path) ? 'GET or POST' : 'GET or DELETE')

/** The exchange of a request, or null where the process can't take any and has said so. */
function begin(door: Door, request: IncomingMessage, response: ServerResponse, where: Route): Exchange | null {
  const snapshot = door.snapshot()
  if (snapshot && !door.draining() && !door.overloaded()) return new Exchange(request, response, snapshot, where, door.clock, clientAddress(request, door.trusted))
  const [code, message] = !snapshot ? ['not_ready', 'The gateway is starting. Send the request again in a moment.']
    : door.draining() ? ['shutting_down', 'This gateway is shutting down. Send the request again.']
    : ['overloaded', 'The gateway is short of memory and takes no new requests for a moment. Send the request again.']
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1', connection: 'close' })
  response.end(JSON.stringify({ error: { message, type: 'server_error', param: null, code } }))
  return null
}

function models(door: Door, exchange: Exchange, path: string): void {
  const { gateway, clock } = door
  const refused = authenticate(exchange, gateway.keys, gateway.admission)
  if (refused) return refuseAndRecord(door, exchange, refused)
  const asking = { view: exchange.view!, key: exchange.key!, principal: exchange.principal!, health: gateway.tools.health, nowMs: clock.monotonicUs() / 1000, epochMs: clock.epochMs() }
  const form = listForm(path, exchange.request)
  const asked = modelPath.exec(path)![1]
  if (asked === undefined) return sendJson(exchange, 200, listBody(form, listModels(asking), new URL(exchange.request.url!, 'http://gateway').searchParams))
  const name = unescaped(asked)
  const model = describeModel(asking, name)
  if (model) sendJson(exchange, 200, modelBody(form, model))
  else refuseAndRecord(door, exchange, failure('model_not_found', `There is no model "${name.slice(0, 100)}" for this key. GET /v1/models lists what it may use.`, { param: 'model' }))
}

async function serveKept(door: Door, exchange: Exchange, kept: Kept): Promise<void> {
  const { gateway } = door
  const refused = authenticate(exchange, gateway.keys, gateway.admission)
  if (refused) return refuseAndRecord(door, exchange, refused)
  const found = await gateway.kept.serve(exchange, kept)
  if ('code' in found) return refuseAndRecord(door, exchange, found)
  sendJson(exchange, 200, found.body)
}

function refuseAndRecord(door: Door, exchange: Exchange, refused: Failure): void {
  exchange.refusal = refused
  refuse(exchange, refused)
  door.gateway.recorder.add(recordOf(exchange))
}

function operations(door: Door, request: IncomingMessage, response: ServerResponse, path: string): void {
  const say = (status: number, body: string, contentType = 'application/json'): void => {
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  if (path === '/health/live') return say(200, '{"status":"live"}')
  if (path === '/health/ready') {
    const reason = door.notReady()
    return say(reason === null ? 200 : 503, JSON.stringify(reason === null ? { status: 'ready' } : { status: 'not_ready', reason }))
  }
  if (path !== '/metrics') return say(404, '{"status":"unknown","reason":"There are /health/live and /health/ready."}')
  if (!isLoopback(clientAddress(request, door.trusted)) && !door.mayReadMetrics(request)) {
    return say(401, '{"error":"Metrics are for this machine, or with Authorization: Bearer $MEGAROUTER_ADMIN_TOKEN."}')
  }
  door.metrics().then(({ text, contentType }) => say(200, text, contentType), (error: Error) => say(503, JSON.stringify({ error: error.message })))
}

/** Headers that only this process may set towards the control worker. */
const ours = ['x-megarouter-client-address', 'x-megarouter-scheme']
/** Of one connection: a client's `close` must not end the one behind, where an answer would be lost whose request was not read to its end. */
const ofConnection = ['connection', 'keep-alive', 'proxy-connection', 'upgrade']

function toControl(door: Door, request: IncomingMessage, response: ServerResponse): void {
  const socketPath = door.controlSocket()
  const fail = (): void => {
    // What breaks then is the request, refused before its end: the answer is whole, or has an error of its own.
    if (response.headersSent) return
    response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' })
    response.end(JSON.stringify({ error: { code: 'control_unavailable', message: 'The console and the admin API do not answer on this port: they have one of their own (MEGAROUTER_ADMIN_PORT), or are starting. Try again in a moment.' } }))
  }
  if (socketPath === null) return fail()
  const headers = { ...request.headers }
  for (const name of ours) delete headers[name]
  for (const name of ofConnection) delete headers[name]
  headers['x-megarouter-client-address'] = clientAddress(request, door.trusted)
  headers['x-megarouter-scheme'] = door.isTls || forwardedProto(request, door.trusted) === 'https' ? 'https' : 'http'
  const upstream = forward({ socketPath, path: request.url, method: request.method, headers }, (answer) => {
    for (const name of ofConnection) delete answer.headers[name]
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  upstream.on('error', fail)
  // What is still on its way is read and dropped: a connection that is closed with unread bytes takes the answer with it.
  upstream.on('close', () => request.unpipe(upstream).resume())
  response.on('close', () => upstream.destroy())
  upstream.flushHeaders()
  request.pipe(upstream)
}

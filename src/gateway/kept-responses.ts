/**
 * Going on from an earlier answer of the Responses API by its id. Answers of translated conversations are kept by the gateway where the
 * organisation wants that; the others are kept by the vendor that gave them, and only there, under the credential that asked, can one go
 * on from them. Nobody but the owner of an answer gets at it. What is not to be had is refused in words that say what to do.
 */
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Json, JsonObject } from '../protocols/canonical.ts'
import { addMember, removeMembers, replaceValue, splice } from '../wire/json-edit.ts'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import type { Chain, NewStored, StoredResponse } from '../store/stored-responses.ts'
import type { Attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import type { Deployment } from './snapshot.ts'

/** Where answers are kept; its questions fail when the database does not answer. */
export interface ResponseKeeper {
  keep(stored: NewStored): void
  conversation(org: string, owner: string, response: string): Promise<Chain>
  remove(org: string, owner: string, response: string): Promise<boolean>
}

const format = 'openai-responses'
/** Of the vendors' answers the last ones are remembered; after a restart a vendor itself says what it knows. */
const rememberedAnswers = 100_000
const idAtBeginning = /"id"\s*:\s*"(resp[^"\\]{1,200})"/

interface Made { owner: string; provider: string; credential: string }

export class KeptResponses {
  readonly #keeper: ResponseKeeper
  /** Vendors' answers, by organisation and id. */
  readonly #made = new Map<string, Made>()

  constructor(keeper: ResponseKeeper) {
    this.#keeper = keeper
  }

  /** Before the request is read: an earlier conversation that is kept here takes its place in front of what the client says. Null also where there is nothing to do. */
  open(exchange: Exchange): null | Failure | Promise<null | Failure> {
    if (exchange.protocol.id !== format) return null
    const previous = read(exchange, 'previous_response_id')
    const keeps = exchange.view!.storesResponses === true
    if (keeps && exchange.endpoint.name === 'responses' && read(exchange, 'store') !== false) exchange.keeps = JSON.stringify(itemsOf(read(exchange, 'input')))
    if (previous === undefined || previous === null) return null
    if (typeof previous !== 'string') return failure('invalid_request', 'The field "previous_response_id" must be the id of a response, a string.', { param: 'previous_response_id' })
    exchange.earlier = { id: previous, isOurs: false }
    return keeps ? this.#goOn(exchange, previous) : null
  }

  async #goOn(exchange: Exchange, previous: string): Promise<null | Failure> {
    const found = await this.#ask(() => this.#keeper.conversation(exchange.key!.org, ownerOf(exchange), previous))
    if (found === null || 'code' in found) return found
    exchange.earlier = { id: previous, isOurs: true }
    return putInFront(exchange, found)
  }

  /** Of the deployments those where the earlier answer is. */
  place(exchange: Exchange, deployments: readonly Deployment[]): readonly Deployment[] | Failure {
    const { earlier } = exchange
    if (earlier === null || earlier.isOurs) return deployments
    const { model } = exchange.asked!
    const id = earlier.id.slice(0, 100)
    const made = this.#made.get(`${exchange.key!.org} ${earlier.id}`)
    if (made && made.owner !== ownerOf(exchange)) return notFound(id)
    const speaking = deployments.filter(({ provider: { vendor } }) => vendor.formats.some(({ protocol }) => protocol === format))
    if (!made && speaking.length > 0) return speaking
    if (!made) return exchange.view!.storesResponses === true ? notFound(id) : notStored(id, model)
    const there = speaking.flatMap((deployment) => {
      const { provider } = deployment
      const credentials = provider.credentials.filter(({ id: each }) => each === made.credential)
      return provider.id === made.provider && (credentials.length > 0 || made.credential === '') ? [{ ...deployment, provider: { ...provider, credentials } }] : []
    })
    if (there.length > 0) return there
    return failure('response_not_found', `The response ${id} is kept by the provider ${made.provider}, under the credential that asked for it, and ${model} is not served there for this key. Use a model of that provider, or send the conversation's items as "input" instead of "previous_response_id".`, { param: 'previous_response_id' })
  }

  /** An attempt has answered: what a client may go on from is kept, or it is remembered who keeps it. */
  answered(exchange: Exchange, { outcome, first, body, options: { translation, deployment: { provider }, credentialId } }: Attempt): void {
    if (exchange.protocol.id !== format || outcome !== 'success') return
    const { org } = exchange.key!
    if (translation === null) {
      const id = idAtBeginning.exec((body ?? first)?.toString('utf8', 0, 1024) ?? '')?.[1]
      if (id !== undefined && read(exchange, 'store') !== false) this.#remember(`${org} ${id}`, { owner: ownerOf(exchange), provider: provider.id, credential: credentialId })
      return
    }
    const response = exchange.keeps === null ? null : translation.kept()
    if (response === null) return
    const previous = exchange.earlier?.isOurs === true ? exchange.earlier.id : null
    this.#keeper.keep({ org, owner: ownerOf(exchange), id: String(response['id']), previous, at: exchange.at, json: `{"input":${exchange.keeps!},"response":${JSON.stringify(response)}}` })
  }

  #remember(key: string, made: Made): void {
    this.#made.delete(key)
    this.#made.set(key, made)
    if (this.#made.size > rememberedAnswers) this.#made.delete(this.#made.keys().next().value!)
  }

  /** What a client asks about an answer by its id: the answer, what it was made of, or that it be deleted. */
  async serve(exchange: Exchange, { id, isInput }: Kept): Promise<{ body: JsonObject } | Failure> {
    const { request, key } = exchange
    const owner = ownerOf(exchange)
    if (exchange.view!.storesResponses !== true) return notStored(id, null)
    if (request.method === 'DELETE') {
      const removed = await this.#ask(() => this.#keeper.remove(key!.org, owner, id))
      return typeof removed === 'object' ? removed : removed ? { body: { id, object: 'response', deleted: true } } : notFound(id)
    }
    const found = await this.#ask(() => this.#keeper.conversation(key!.org, owner, id))
    if (found === null) return notFound(id)
    if ('code' in found) return found
    return { body: isInput ? inputList(found, id, new URL(request.url!, 'http://gateway').searchParams) : found.at(-1)!.response }
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | Failure> {
    try {
      return await question()
    } catch {
      // The store worker has logged why.
      return failure('responses_unavailable', 'The database does not answer, so stored responses cannot be reached. Try again shortly, or send the conversation\'s items as "input".', { retryAfterMs: 1000 })
    }
  }
}

/** A project, a person or a service account shares its answers among its keys; another key has its own. */
function ownerOf({ key, principal }: Exchange): string {
  const project = principal?.tenant.project ?? key!.project
  if (project !== null) return `project:${project}`
  if (key!.user !== null) return `user:${key!.user}`
  return key!.serviceAccount === null ? `key:${key!.id}` : `service_account:${key!.serviceAccount}`
}

const notFound = (id: string): Failure =>
  failure('response_not_found', `There is no stored response ${id} for this key: it was deleted, its time is over, it was made with "store": false, or by a key of another project, or its conversation has more than 500 answers. Send the conversation's items as "input" instead of "previous_response_id".`, { param: 'previous_response_id' })

const notStored = (id: string, model: string | null): Failure =>
  failure('responses_not_stored', `${model === null ? `The gateway keeps no responses, so it knows nothing of ${id.slice(0, 100)}.` : `${model} is not served by a vendor that keeps responses, and the gateway keeps none, so it cannot go on from ${id}.`} Send the conversation's items as "input" instead of "previous_response_id", or have an administrator switch on settings.responses.store.`, { param: 'previous_response_id' })

function read({ body, scan }: Exchange, key: string): Json | undefined {
  const member = scan!.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as Json : undefined
}

const itemsOf = (input: Json | undefined): Json[] => (typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : Array.isArray(input) ? input : [])

const outputOf = ({ response }: StoredResponse): Json[] => (Array.isArray(response['output']) ? response['output'] : [])

/** The request as if the client had sent all of it. */
function putInFront(exchange: Exchange, chain: readonly StoredResponse[]): Failure | null {
  const { body, scan } = exchange
  const before = chain.flatMap((each) => [...each.input, ...outputOf(each)])
  const input = scan!.find('input')
  const items = JSON.stringify([...before, ...itemsOf(read(exchange, 'input'))])
  const gone = scan!.members.filter(({ key }) => key === 'previous_response_id')
  const staying = scan!.members.filter((member) => !gone.includes(member))
  const whole = splice(body, [input ? replaceValue(input, items) : addMember(staying, body.indexOf(0x7b), 'input', items), ...removeMembers(scan!.members, gone)])
  const most = exchange.snapshot.settings.requestBodyBytes
  if (whole.length > most) return failure('request_too_large', `With the conversation that it goes on from, the request has more than ${most} bytes. Begin a new conversation with what matters of it.`, { param: 'previous_response_id' })
  const anew = new JsonScanner({ maxDepth: limits.jsonDepth * 2, maxKeys: limits.jsonKeys * 2, unique: noUniqueKeys })
  anew.push(whole)
  anew.end()
  exchange.body = whole
  exchange.scan = anew
  return null
}

export interface Kept { id: string; isInput: boolean }

const keptPath = /^\/v1\/responses\/([\w.:-]{1,200})(\/input_items)?$/

/** Whether a path asks about an answer by its id. */
export function keptIn(path: string): Kept | null {
  const found = keptPath.exec(path)
  return found && { id: found[1]!, isInput: found[2] !== undefined }
}

const usualPage = 20
const largestPage = 100

/** The newest first unless asked otherwise. https://platform.openai.com/docs/api-reference/responses/input-items */
function inputList(chain: readonly StoredResponse[], id: string, query: URLSearchParams): JsonObject {
  const said = chain.flatMap((each, index): Json[] => [...each.input, ...(index < chain.length - 1 ? outputOf(each) : [])])
  const items = said.map((item, index) => itemOf(item, `msg_${id.replace(/^resp_/, '')}_${index}`))
  if (query.get('order') !== 'asc') items.reverse()
  const after = query.get('after')
  const start = after === null ? 0 : items.findIndex((item) => item['id'] === after) + 1
  const limit = Math.min(largestPage, Math.max(1, Math.floor(Number(query.get('limit') ?? usualPage)) || usualPage))
  const page = items.slice(start, start + limit)
  return { object: 'list', data: page, first_id: page[0]?.['id'] ?? null, last_id: page.at(-1)?.['id'] ?? null, has_more: start + limit < items.length }
}

/** With an id, and with the content of a message in its long form. */
function itemOf(item: Json, id: string): JsonObject {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return { type: 'message', id, role: 'user', content: [] }
  const { type = 'message', content } = item
  const isSaid = type === 'message' && typeof content === 'string'
  return { id, type, ...item, ...(type === 'message' && { status: item['status'] ?? 'completed' }), ...(isSaid && { content: [{ type: item['role'] === 'assistant' ? 'output_text' : 'input_text', text: content }] }) }
}

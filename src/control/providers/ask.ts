/**
 * One question to a vendor outside of any request: its list of models, or whether it takes a credential. Bounded in time and bytes,
 * follows no redirect, and an address from the API may lead to public hosts only, checked on the address that is dialled.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { EgressError, guardedLookup, isSpecialAddress } from '../../gateway/egress.ts'
import type { ProviderData } from '../../gateway/snapshot.ts'
import { Authorities } from '../../providers/auth/authority.ts'
import { sendForToken } from '../../providers/auth/send.ts'
import { CredentialError } from '../../providers/auth/token.ts'
import { keyHeader } from '../../providers/provider.ts'

const timeoutMs = 10_000
const listBytes = 8 * 1024 * 1024
const errorBytes = 64 * 1024

export type Asked = Pick<ProviderData, 'vendor' | 'baseUrl' | 'socketPath' | 'guarded'>

export interface Question {
  path: string
  /** Empty: asked without a credential. */
  secret: string
  /** Asked with POST. */
  body?: string
  /** Ends the question early. */
  signal?: AbortSignal
}

export interface Reply {
  status: number
  text: string
  /** The answer was longer than what is read of it. */
  cut: boolean
}

export type Ask = (provider: Asked, question: Question) => Promise<Reply>

const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** A literal address is never looked up, so it is checked here. */
export const isPrivateLiteral = (url: URL): boolean => isIP(bareHost(url)) !== 0 ? isSpecialAddress(bareHost(url)) : url.hostname === 'localhost'

/** Rejects when no whole answer comes, or no token for the question; `failureText` says why. */
export const asker = (authorities: Authorities): Ask => async (provider, { path, secret, body, signal }) => {
  const url = new URL(`${provider.baseUrl}${path}`)
  if (provider.guarded && isPrivateLiteral(url)) throw new EgressError(url.hostname)
  const key = keyHeader(provider.vendor, secret)
  const timeout = AbortSignal.timeout(timeoutMs)
  const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  const method = body === undefined ? 'GET' : 'POST'
  const plain: Record<string, string> = {
    accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'megarouter', ...provider.vendor.headers,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }), ...(key && { [key.name]: key.value }),
  }
  const authority = authorities.of({ ...provider.vendor, origin: url.origin }, secret)
  const options: RequestOptions = {
    method,
    signal: ends,
    headers: authority === null ? plain : { ...plain, ...await authority.headers({ method, path: url.pathname + url.search, headers: plain, body: body ?? null }) },
    agent: false,
    ...(provider.guarded && { lookup: guardedLookup }),
    ...(provider.socketPath !== null && { socketPath: provider.socketPath }),
  }
  try {
    return await read(await new Promise<IncomingMessage>((resolve, reject) => {
      (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve).on('error', reject).end(body)
    }))
  } catch (error) {
    throw ends.aborted ? ends.reason : error // an answer that is cut short by its time looks like a broken connection
  }
}

export const askProvider: Ask = asker(new Authorities({ nowMs: () => Date.now(), send: sendForToken, onFetch: () => undefined }))

async function read(response: IncomingMessage): Promise<Reply> {
  const status = response.statusCode ?? 0
  const most = status >= 200 && status < 300 ? listBytes : errorBytes
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > most) break // which destroys the connection
  }
  return { status, text: Buffer.concat(chunks).subarray(0, most).toString(), cut: bytes > most }
}

/** Why no answer came, and what to do. */
export function failureText(error: unknown, { baseUrl }: Pick<Asked, 'baseUrl'>): string {
  if (error instanceof EgressError || error instanceof CredentialError) return error.message
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (['TimeoutError', 'AbortError'].includes((error as Error).name)) return `No answer within ${timeoutMs / 1000} s. Check the base URL and whether this machine may reach it.`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The host ${new URL(baseUrl).hostname} was not found. Check the base URL and this machine’s DNS.`
  if (code === 'ECONNREFUSED') return `Nothing listens at ${baseUrl} (connection refused). Start the server or correct the base URL.`
  if (code === 'ERR_INVALID_CHAR') return 'The credential holds characters that no header can carry. Copy it again.'
  return `The connection failed (${code === '' ? 'unknown error' : code}). Check the base URL, TLS and the network.`
}

/**
 * Asks a provider for its models, once, to tell the operator whether address and credential work. Bounded in time and bytes,
 * follows no redirect, and an address from the API may lead to public hosts only, checked on the address that is dialled.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { ProviderData } from '../../gateway/snapshot.ts'
import { keyHeader } from '../../providers/provider.ts'
import { EgressError, guardedLookup, isSpecialAddress } from '../../gateway/egress.ts'

const timeoutMs = 10_000
const maxBytes = 4 * 1024 * 1024

interface ProbeResult { ok: boolean; status: number; latency_ms: number; message: string }

const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** A literal address is never looked up, so it is checked here. */
export const isPrivateLiteral = (url: URL): boolean => isIP(bareHost(url)) !== 0 ? isSpecialAddress(bareHost(url)) : url.hostname === 'localhost'

function ask(provider: ProviderData, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(`${provider.baseUrl}${provider.vendor.modelsPath}`)
  if (provider.guarded && isPrivateLiteral(url)) throw new EgressError(url.hostname)
  const key = keyHeader(provider.vendor, provider.credentials[0]?.secret ?? '')
  const options: RequestOptions = {
    signal,
    headers: { accept: 'application/json', 'user-agent': 'megarouter', ...(key && { [key.name]: key.value }) },
    agent: false,
    ...(provider.guarded && { lookup: guardedLookup }),
    ...(provider.socketPath !== null && { socketPath: provider.socketPath }),
  }
  return new Promise((resolve, reject) => {
    (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve).on('error', reject).end()
  })
}

/** Number of models in the answer, or null when it is no model list. */
async function countModels(response: IncomingMessage): Promise<number | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      response.destroy()
      return null
    }
    chunks.push(chunk)
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const list = Array.isArray(parsed) ? parsed : (parsed as { data?: unknown }).data
    return Array.isArray(list) ? list.length : null
  } catch {
    return null // not JSON: the message says so
  }
}

function verdict(provider: ProviderData, status: number, models: number | null): { ok: boolean; message: string } {
  const { vendor } = provider
  if (status >= 200 && status < 300) {
    return models === null
      ? { ok: false, message: `The address answers, but not with a list of models. Check the base URL ${provider.baseUrl}: it usually ends in /v1.` }
      : { ok: true, message: `${vendor.name} ${provider.credentials.length > 0 ? 'accepts the credential' : 'answers without a credential'} and offers ${models} models.` }
  }
  if (status === 401 || status === 403) return { ok: false, message: `${vendor.name} refused the credential (${status}). Check that it was copied whole, is active, and may list models${vendor.docs === '' ? '' : `; see ${vendor.docs}`}.` }
  if (status === 404) return { ok: false, message: `There is no ${provider.baseUrl}/models (404). Check the base URL: it usually ends in /v1.` }
  if (status === 429) return { ok: false, message: `${vendor.name} says that its rate limit or quota is used up (429). The credential may be right; try again later.` }
  if (status >= 300 && status < 400) return { ok: false, message: `${provider.baseUrl} redirects (${status}). Redirects are not followed; set the final address as the base URL.` }
  return { ok: false, message: `${vendor.name} answered with status ${status}. Try again; if it stays, look at the vendor’s status page.` }
}

function failureText(error: unknown, provider: ProviderData): string {
  if (error instanceof EgressError) return error.message
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if ((error as Error).name === 'TimeoutError' || code === 'ABORT_ERR') return `No answer within ${timeoutMs / 1000} s. Check the base URL and whether this machine may reach it.`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The host ${new URL(provider.baseUrl).hostname} was not found. Check the base URL and this machine’s DNS.`
  if (code === 'ECONNREFUSED') return `Nothing listens at ${provider.baseUrl} (connection refused). Start the server or correct the base URL.`
  return `The connection failed (${code === '' ? 'unknown error' : code}). Check the base URL, TLS and the network.`
}

export async function probe(provider: ProviderData): Promise<ProbeResult> {
  // Whatever else could be asked would be billed.
  if (provider.vendor.modelsPath === null) return { ok: true, status: 0, latency_ms: 0, message: `${provider.vendor.name} has no list of models that could be asked for without cost: the first request will tell whether the credential works.` }
  const startedAt = performance.now()
  const elapsed = (): number => Math.round((performance.now() - startedAt) * 10) / 10
  try {
    const response = await ask(provider, AbortSignal.timeout(timeoutMs))
    const status = response.statusCode ?? 0
    const models = await countModels(response)
    return { ...verdict(provider, status, models), status, latency_ms: elapsed() }
  } catch (error) {
    return { ok: false, status: 0, latency_ms: elapsed(), message: failureText(error, provider) }
  }
}

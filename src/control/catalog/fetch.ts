/**
 * Brings a feed here: from an address, bounded in time, bytes and redirects, or from a file of the operator. An address that came through
 * the API may lead to public hosts only, by https, checked on the address that is dialled; so may whatever it redirects to.
 */
import { readFileSync, statSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { feedBounds, FeedError } from '../../catalog/strict-json.ts'
import { EgressError, guardedLookup } from '../../gateway/egress.ts'
import { isPrivateLiteral } from '../providers/ask.ts'

const timeoutMs = 30_000
const maxRedirects = 3

const decoded = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FeedError('The feed is not UTF-8 text.')
  }
}

const tooLarge = (): FeedError => new FeedError(`The feed has more than ${feedBounds.bytes / 1024 / 1024} MiB.`)

/** `guarded`: the address came through the API. */
export async function fetchFeed(address: string, { guarded, withinMs = timeoutMs }: { guarded: boolean; withinMs?: number }): Promise<string> {
  const signal = AbortSignal.timeout(withinMs)
  let url = parsed(address, guarded, null)
  try {
    for (let redirects = 0; ; redirects++) {
      const response = await ask(url, guarded, signal)
      const { statusCode: status = 0, headers: { location } } = response
      if (status >= 300 && status < 400 && location !== undefined) {
        response.destroy()
        if (redirects === maxRedirects) throw new FeedError(`${address} redirects more than ${maxRedirects} times.`)
        url = parsed(new URL(location, url).href, guarded, url)
        continue
      }
      if (status !== 200) {
        response.destroy()
        throw new FeedError(`${url.origin} answered with status ${status}. Check the address of the feed.`)
      }
      return decoded(await bounded(response))
    }
  } catch (error) {
    throw error instanceof FeedError ? error : new FeedError(signal.aborted ? `${url.origin} did not send the feed within ${withinMs / 1000} s.` : failureText(error, url))
  }
}

function parsed(address: string, guarded: boolean, from: URL | null): URL {
  const url = URL.parse(address)
  if (url === null || !['https:', 'http:'].includes(url.protocol)) throw new FeedError(`${address.slice(0, 200)} is no address of a feed: it must begin with https://.`)
  if (url.protocol === 'http:' && (guarded || from?.protocol === 'https:')) throw new FeedError(`${url.origin} is not https. A feed of prices must not be read over a line that others can write to.`)
  if (guarded && isPrivateLiteral(url)) throw new FeedError(new EgressError(url.hostname).message)
  return url
}

function ask(url: URL, guarded: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = { signal, headers: { accept: 'application/json', 'user-agent': 'megarouter', 'accept-encoding': 'identity' }, agent: false, ...(guarded && { lookup: guardedLookup }) }
  return new Promise((resolve, reject) => {
    (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve).on('error', reject).end()
  })
}

async function bounded(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > feedBounds.bytes) {
      response.destroy()
      throw tooLarge()
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function failureText(error: unknown, url: URL): string {
  if (error instanceof EgressError) return error.message
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return `${url.origin} could not be asked for the feed (${code}). Check the address and whether this machine may reach it.`
}

export function readFeedFile(path: string): string {
  try {
    if (statSync(path).size > feedBounds.bytes) throw tooLarge()
    return decoded(readFileSync(path))
  } catch (error) {
    if (error instanceof FeedError) throw error
    throw new FeedError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`)
  }
}

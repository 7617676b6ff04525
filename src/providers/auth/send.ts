/**
 * One question to a token server: bounded in time and bytes, no redirect is followed, and no address but those of this machine's own
 * surroundings leads to anything but a public host, checked on the address that is dialled.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { guardedLookup } from '../../gateway/egress.ts'
import { CredentialError, type Send } from './token.ts'

const timeoutMs = 10_000
const answerBytes = 64 * 1024

export const sendForToken: Send = async ({ url: text, body, headers = {}, inside }) => {
  const url = new URL(text)
  const signal = AbortSignal.timeout(timeoutMs)
  const options = {
    method: body === undefined ? 'GET' : 'POST', signal, agent: false as const, ...(inside ? {} : { lookup: guardedLookup }),
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'megarouter', ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
  }
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve).on('error', reject).end(body)
    })
    return { status: response.statusCode ?? 0, text: await read(response) }
  } catch (error) {
    if (error instanceof CredentialError) throw error
    const { code, name } = error as NodeJS.ErrnoException
    throw new CredentialError(`${url.host} gave no token: ${signal.aborted ? `no answer within ${timeoutMs / 1000} s` : code ?? name}. Check whether this machine may reach it.`, 503)
  }
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > answerBytes) throw new CredentialError('The answer of the token server is too long to be one.', 502) // leaving the loop destroys the connection
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

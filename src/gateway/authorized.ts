/**
 * Requests whose credential signs them, or that need a token, on their way to the transport: signed last, over what is sent. While a token
 * is fetched the request waits under its own deadlines; without one it fails with a `CredentialError`. A token that the vendor
 * refuses, although it should still hold, is fetched anew once.
 */
import { Readable } from 'node:stream'
import type { Authorities, Authority } from '../providers/auth/authority.ts'
import { needsAuthority } from '../providers/provider.ts'
import type { Transport, UpstreamCall, UpstreamHandler, UpstreamRequest } from './transport.ts'

export type Dispatching = Pick<Transport, 'dispatch'>

export class AuthorizedTransport implements Dispatching {
  readonly #transport: Transport
  readonly #authorities: Authorities

  constructor(transport: Transport, authorities: Authorities) {
    this.#transport = transport
    this.#authorities = authorities
  }

  sweep(): void { this.#transport.sweep() }
  close(): Promise<void> { return this.#transport.close() }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const { provider: { vendor, origin, credentials }, credentialId } = request
    if (typeof vendor.auth !== 'object' || !('scheme' in vendor.auth)) return this.#transport.dispatch(request, handler)
    const secret = credentials.find(({ id }) => id === credentialId)?.secret ?? ''
    if (!needsAuthority(vendor, secret)) return this.#transport.dispatch(request, handler)
    return new AuthorizedCall(this.#transport, request, handler, () => this.#authorities.of({ auth: vendor.auth, name: vendor.name, origin }, secret)!)
  }
}

class AuthorizedCall implements UpstreamCall, UpstreamHandler {
  readonly #transport: Dispatching
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  readonly #authority: () => Authority
  #call: UpstreamCall | null = null
  #sentWith: Record<string, string> = {}
  #tries = 0
  #over = false
  #paused = false

  constructor(transport: Dispatching, request: UpstreamRequest, handler: UpstreamHandler, authority: () => Authority) {
    this.#transport = transport
    this.#request = request
    this.#handler = handler
    this.#authority = authority
    this.#start()
  }

  #start(): void {
    try {
      const { body } = this.#request
      // A form goes on as it comes, to vendors of tokens alone, who sign nothing.
      const headers = this.#authority().headers({ ...this.#request, body: body instanceof Readable ? null : body })
      if (headers instanceof Promise) headers.then((found) => this.#send(found), (error: unknown) => this.onError(error as Error))
      else this.#send(headers)
    } catch (error) {
      queueMicrotask(() => this.onError(error as Error))
    }
  }

  #send(headers: Record<string, string>): void {
    if (this.#over) return
    this.#tries++
    this.#sentWith = headers
    this.#call = this.#transport.dispatch({ ...this.#request, headers: { ...this.#request.headers, ...headers } }, this)
    if (this.#paused) this.#call.pause()
  }

  onSent(): boolean { return !this.#over && this.#handler.onSent() }

  onHead(status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status === 401 && this.#tries === 1 && !(this.#request.body instanceof Readable) && this.#authority().refused(this.#sentWith)) {
      this.#call?.abort()
      return this.#start()
    }
    this.#handler.onHead(status, headers)
  }

  onData(chunk: Buffer): void { this.#handler.onData(chunk) }
  onEnd(): void { this.#handler.onEnd() }

  onError(error: Error): void {
    if (!this.#over) this.#handler.onError(error)
  }

  pause(): void {
    this.#paused = true
    this.#call?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#call?.resume()
  }

  abort(): void {
    this.#over = true
    this.#call?.abort()
  }
}

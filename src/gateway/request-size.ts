/** The size of a request, counted when it is first asked for: many requests need no more of it than their bytes. */
import type { EndpointSpec, Protocol, RequestShape } from '../protocols/protocol.ts'
import type { JsonScanner } from '../wire/json-scanner.ts'
import type { RequestSize } from './exchange.ts'

/** `fileBytes`: of a form, whose fields the body is. */
export const sizeOf = (protocol: Protocol, endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, fileBytes = 0): RequestSize => new Size(protocol, endpoint, body, scan, fileBytes)

class Size implements RequestSize {
  readonly #protocol: Protocol
  readonly #endpoint: EndpointSpec
  readonly #body: Buffer
  readonly #scan: JsonScanner
  readonly #fileBytes: number
  #mayCarryMedia: boolean | null = null
  #shape: RequestShape | null = null

  constructor(protocol: Protocol, endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, fileBytes: number) {
    this.#protocol = protocol
    this.#endpoint = endpoint
    this.#body = body
    this.#scan = scan
    this.#fileBytes = fileBytes
  }

  mayCarryMedia(): boolean {
    return (this.#mayCarryMedia ??= carriesMedia(this.#body, this.#protocol.mediaWords))
  }

  shape(): RequestShape {
    return (this.#shape ??= this.#protocol.shapeOf(this.#endpoint, this.#body, this.#scan, this.#fileBytes))
  }
}

function carriesMedia(body: Buffer, words: readonly string[]): boolean {
  for (const word of words) if (body.includes(word, 0, 'latin1')) return true
  return false
}

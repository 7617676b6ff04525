/**
 * Secrets at rest and in memory. `Secret` prints `[redacted]` wherever it is turned into text by accident.
 * An envelope encrypts a secret under its own random key, which is wrapped by a key encryption key (KEK). The secret is bound to
 * organisation, id and version, so that a row moved elsewhere does not open. Opening fails on a KEK that is not given or altered bytes.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { shownPart } from '../providers/auth/parts.ts'

const redacted = '[redacted]'

export class Secret {
  #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** The only way to the text: call it where the secret is used, not earlier. */
  reveal(): string {
    return this.#value
  }
  /** Empty for secrets too short to show a part of. */
  get last4(): string {
    const shown = shownPart(this.#value)
    return shown.length >= 12 ? shown.slice(-4) : ''
  }
  toString(): string {
    return redacted
  }
  toJSON(): string {
    return redacted
  }
  [inspect.custom](): string {
    return redacted
  }
}

export interface Kek {
  /** 4 bytes that name the master key on every envelope; not secret. */
  readonly id: Uint8Array
  readonly key: Uint8Array
  /** Those of other master keys: they open what was sealed under them, and seal nothing. */
  readonly others?: readonly Kek[]
}

const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32

export class CannotDecryptError extends Error {
  override name = 'CannotDecryptError'
}

/** nonce ‖ ciphertext ‖ tag */
export function encrypt(key: Uint8Array, plain: Uint8Array, aad: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

export function decrypt(key: Uint8Array, sealed: Uint8Array, aad: string): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new CannotDecryptError('the encrypted value is too short')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(aad)).setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()])
  } catch {
    throw new CannotDecryptError('the encrypted value was altered, or belongs to another row or another MEGAROUTER_MASTER_KEY')
  }
}

export interface SecretContext {
  org: string
  id: string
  version: number
}

/** How the wrapped data key is bound: before to the row's context, now to the bytes that it opens, so that it is wrapped anew without knowing the row. The secret itself is bound to the row in both. */
const boundToContext = 1
const boundToPayload = 2
export const headerBytes = 5
const wrappedBytes = nonceBytes + keyBytes + tagBytes

const contextAad = (context: SecretContext): string => JSON.stringify([context.org, context.id, context.version])
const payloadAad = (payload: Uint8Array): string => `envelope ${createHash('sha256').update(payload).digest('hex')}`

/** What stands in front of everything that is wrapped under a master key. */
export const keyHeader = (format: number, { id }: Pick<Kek, 'id'>): Buffer => Buffer.concat([Buffer.of(format), id])
export const headerId = (sealed: Uint8Array): Buffer => Buffer.from(sealed.subarray(1, headerBytes))
export const idText = (id: Uint8Array): string => Buffer.from(id).toString('hex')

/** Throws where the master key that it takes is not given. */
export function kekOf(kek: Kek, id: Uint8Array): Kek {
  const found = [kek, ...kek.others ?? []].find((each) => Buffer.from(each.id).equals(id))
  if (found === undefined) throw new CannotDecryptError(`it was encrypted under another MEGAROUTER_MASTER_KEY (${idText(id)}): add that key to MEGAROUTER_PREVIOUS_MASTER_KEYS`)
  return found
}

const wrap = (kek: Kek, dataKey: Uint8Array, payload: Uint8Array): Buffer => Buffer.concat([keyHeader(boundToPayload, kek), encrypt(kek.key, dataKey, payloadAad(payload)), payload])

/** format ‖ KEK id ‖ wrapped data key ‖ encrypted secret */
export function sealSecret(kek: Kek, secret: Secret, context: SecretContext): Buffer {
  const dataKey = randomBytes(keyBytes)
  return wrap(kek, dataKey, encrypt(dataKey, Buffer.from(secret.reveal()), contextAad(context)))
}

/** `context` may be null for the format that does not need it. */
function unwrap(kek: Kek, sealed: Uint8Array, context: SecretContext | null): { dataKey: Buffer; payload: Uint8Array } {
  const format = sealed[0]
  if (format !== boundToPayload && (format !== boundToContext || context === null)) throw new CannotDecryptError(`the encrypted value has an unknown format (${format ?? 'empty'})`)
  const payload = sealed.subarray(headerBytes + wrappedBytes)
  const aad = format === boundToContext ? contextAad(context!) : payloadAad(payload)
  return { dataKey: decrypt(kekOf(kek, headerId(sealed)).key, sealed.subarray(headerBytes, headerBytes + wrappedBytes), aad), payload }
}

export function openSecret(kek: Kek, sealed: Uint8Array, context: SecretContext): Secret {
  const { dataKey, payload } = unwrap(kek, sealed, context)
  return new Secret(decrypt(dataKey, payload, contextAad(context)).toString())
}

/** The same secret under the key that seals now; the secret itself is not opened. */
export function rewrapSecret(kek: Kek, sealed: Uint8Array, context: SecretContext | null): Buffer {
  const { dataKey, payload } = unwrap(kek, sealed, context)
  return wrap(kek, dataKey, payload)
}

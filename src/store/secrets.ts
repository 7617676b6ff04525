/**
 * Secrets at rest and in memory. `Secret` prints `[redacted]` wherever it is turned into text by accident.
 * An envelope encrypts a secret under its own random key, which is wrapped by the key encryption key (KEK); both are bound
 * to organisation, id and version, so that a row moved elsewhere does not open. Opening fails on a wrong KEK or altered bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

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
    return this.#value.length >= 12 ? this.#value.slice(-4) : ''
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
  /** 4 bytes that name the KEK on every envelope; not secret. */
  id: Uint8Array
  key: Uint8Array
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

const format = 1
const headerBytes = 5
const wrappedBytes = nonceBytes + keyBytes + tagBytes

const contextAad = (context: SecretContext): string => JSON.stringify([context.org, context.id, context.version])

/** format ‖ KEK id ‖ wrapped data key ‖ encrypted secret */
export function sealSecret(kek: Kek, secret: Secret, context: SecretContext): Buffer {
  const aad = contextAad(context)
  const dataKey = randomBytes(keyBytes)
  return Buffer.concat([Buffer.of(format), kek.id, encrypt(kek.key, dataKey, aad), encrypt(dataKey, Buffer.from(secret.reveal()), aad)])
}

export function openSecret(kek: Kek, sealed: Uint8Array, context: SecretContext): Secret {
  if (sealed[0] !== format) throw new CannotDecryptError(`the encrypted value has an unknown format (${sealed[0] ?? 'empty'})`)
  if (!Buffer.from(sealed.subarray(1, headerBytes)).equals(kek.id)) throw new CannotDecryptError('the secret was encrypted under another MEGAROUTER_MASTER_KEY: start with that key')
  const aad = contextAad(context)
  const dataKey = decrypt(kek.key, sealed.subarray(headerBytes, headerBytes + wrappedBytes), aad)
  return new Secret(decrypt(dataKey, sealed.subarray(headerBytes + wrappedBytes), aad).toString())
}

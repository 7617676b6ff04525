/** Reads a request body and refuses what the real API would refuse, with errors of its form. */
import { createHash } from 'node:crypto'

export const models = {
  small: { firstTokenMs: 150, tokensPerSecond: 120, reasons: false, embeds: false },
  large: { firstTokenMs: 300, tokensPerSecond: 70, reasons: false, embeds: false },
  reasoner: { firstTokenMs: 400, tokensPerSecond: 90, reasons: true, embeds: false },
  embedding: { firstTokenMs: 40, tokensPerSecond: 0, reasons: false, embeds: true },
} as const
export type ModelId = keyof typeof models

export class RequestError extends Error {
  readonly status: number
  readonly param: string | null
  readonly code: string | null
  constructor(status: number, message: string, param: string | null = null, code: string | null = null) {
    super(message)
    this.status = status
    this.param = param
    this.code = code
  }
  body(): unknown {
    return { error: { message: this.message, type: this.status >= 500 ? 'server_error' : 'invalid_request_error', param: this.param, code: this.code } }
  }
}

export type Body = Record<string, unknown>

export function readBody(bytes: Uint8Array): Body {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch {
    throw new RequestError(400, 'The body is not valid JSON.')
  }
  if (!isRecord(value)) throw new RequestError(400, 'The body must be a JSON object.')
  return value
}

export const isRecord = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value)

export function readModel(body: Body, embeds: boolean): ModelId {
  const { model } = body
  if (typeof model !== 'string') throw new RequestError(400, 'model must be a string.', 'model')
  if (!Object.hasOwn(models, model)) throw new RequestError(404, `The model ${JSON.stringify(model.slice(0, 64))} does not exist. Simulated are: ${Object.keys(models).join(', ')}.`, 'model', 'model_not_found')
  const id = model as ModelId
  if (models[id].embeds !== embeds) throw new RequestError(400, `The model ${id} ${embeds ? 'makes no embeddings' : 'only makes embeddings'}.`, 'model')
  return id
}

/** A whole number within bounds, or the fallback when it is absent. */
export function readWhole(body: Body, name: string, least: number, most: number, fallback: number): number {
  const value = body[name] ?? fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new RequestError(400, `${name} must be a whole number from ${least} to ${most}.`, name)
  }
  return value
}

/** Stands for everything that decides the answer: equal requests have equal seeds. */
export const seedOf = (parts: unknown): number => createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE()

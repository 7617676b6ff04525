/** Members of a JSON object, taken one by one: what was not taken, or is of another type than it should be, is left as extras, so that nothing is lost on the way through. */
import type { CacheHint, Extras, Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'

export const format = 'anthropic-messages'

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export function objectAt(value: Json | undefined, place: string): JsonObject {
  if (isObject(value)) return value
  throw new BadRequest(`The field "${place}" must be an object.`, place)
}

export class Fields {
  readonly source: JsonObject
  readonly #taken: string[] = []

  constructor(source: JsonObject) {
    this.source = source
  }

  text(key: string): string | undefined {
    const value = this.source[key]
    return typeof value === 'string' ? this.#take(key, value) : undefined
  }

  number(key: string): number | undefined {
    const value = this.source[key]
    return typeof value === 'number' ? this.#take(key, value) : undefined
  }

  flag(key: string): boolean | undefined {
    const value = this.source[key]
    return typeof value === 'boolean' ? this.#take(key, value) : undefined
  }

  object(key: string): JsonObject | undefined {
    const value = this.source[key]
    return isObject(value) ? this.#take(key, value) : undefined
  }

  list(key: string): Json[] | undefined {
    const value = this.source[key]
    return Array.isArray(value) ? this.#take(key, value) : undefined
  }

  texts(key: string): string[] | undefined {
    const value = this.source[key]
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? this.#take(key, value as string[]) : undefined
  }

  /** A mark with members that a hint has no place for (a scope) stays as it is. */
  cache(): CacheHint | undefined {
    const value = this.source['cache_control']
    if (!isObject(value) || value['type'] !== 'ephemeral') return undefined
    const { type: _, ttl, ...more } = value
    if (Object.keys(more).length > 0 || (ttl !== undefined && typeof ttl !== 'string')) return undefined
    return this.#take('cache_control', ttl === undefined ? {} : { ttl })
  }

  /** Has no place here: it says nothing, or what is said already. */
  drop(...keys: string[]): void {
    this.#taken.push(...keys)
  }

  /** What nobody took. `null` says nothing. */
  left(): Extras | undefined {
    let fields: [string, Json][] | undefined
    for (const key of Object.keys(this.source)) {
      if (this.source[key] !== null && !this.#taken.includes(key)) (fields ??= []).push([key, this.source[key]!])
    }
    return fields && { format, fields: Object.fromEntries(fields) }
  }

  #take<T>(key: string, value: T): T {
    this.#taken.push(key)
    return value
  }
}

/** Sets what is said and leaves out what is not. */
export function put<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value
}

/** What came in this format goes back into it. */
export const ownFields = (extras: Extras | undefined): JsonObject | undefined => (extras?.format === format ? extras.fields : undefined)

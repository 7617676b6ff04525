/** Reading and keeping JSON that somebody else wrote. Names come from outside: objects are made of entries, so that none of them means a prototype. */
import type { ChatFormat, Extras, Json, JsonObject } from '../canonical.ts'

export const format: ChatFormat = 'bedrock-converse'

export const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isText = (value: Json | undefined): value is string => typeof value === 'string'
export const isCount = (value: Json | undefined): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
export const isEmpty = (object: JsonObject): boolean => Object.keys(object).length === 0

/** Undefined: it is no JSON. */
export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Members but for those that were understood. */
export const besides = (object: JsonObject, ...known: string[]): JsonObject => Object.fromEntries(Object.entries(object).filter(([key]) => !known.includes(key)))

/** What is left of a member, under its name; nothing where nothing is left. */
export const under = (key: string, left: JsonObject): JsonObject => (isEmpty(left) ? {} : { [key]: left })

export const extrasOf = (fields: JsonObject): { extras?: Extras } => (isEmpty(fields) ? {} : { extras: { format, fields } })

/** Both, with objects under the same name joined. */
export function merged(object: JsonObject, more: JsonObject): JsonObject {
  const entries = new Map(Object.entries(object))
  for (const [key, value] of Object.entries(more)) {
    const present = entries.get(key)
    entries.set(key, isObject(present) && isObject(value) ? merged(present, value) : value)
  }
  return Object.fromEntries(entries)
}

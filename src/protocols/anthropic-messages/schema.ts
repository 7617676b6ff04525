/**
 * JSON Schemas for constrained output: the API refuses a schema with limits that it can't enforce, or with objects that are open. Such
 * limits are told to the model in the description instead. https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
import type { Json, JsonObject } from '../canonical.ts'
import { isObject } from './fields.ts'

const unenforced: ReadonlySet<string> = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'maxItems', 'uniqueItems', 'minContains', 'maxContains', 'contains', 'minProperties', 'maxProperties', 'patternProperties', 'propertyNames'])
const formats: ReadonlySet<string> = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'])
/** Their values are schemas by name. */
const maps: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions'])
/** Their values are no schemas. */
const literal: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'required'])

/** The same schema where nothing had to be changed. */
export function enforceable(schema: JsonObject): { schema: JsonObject; isChanged: boolean } {
  const changes = { any: false }
  const written = within(schema, changes)
  return changes.any ? { schema: written as JsonObject, isChanged: true } : { schema, isChanged: false }
}

function within(value: Json, changes: { any: boolean }): Json {
  if (Array.isArray(value)) return value.map((each) => within(each, changes))
  if (!isObject(value)) return value
  const entries: [string, Json][] = []
  const told: string[] = []
  for (const [key, each] of Object.entries(value)) {
    if (isUnenforced(key, each)) told.push(`${key}: ${JSON.stringify(each)}`)
    else entries.push([key === 'oneOf' ? 'anyOf' : key, literal.has(key) ? each : member(key, each, changes)])
  }
  const written = Object.fromEntries(entries) as JsonObject
  if (told.length > 0) written['description'] = `${typeof written['description'] === 'string' ? `${written['description']}\n\n` : ''}{${told.join(', ')}}`
  // What stands under another name, or is one of several, is closed there.
  const isObjectHere = (written['type'] === 'object' || isObject(written['properties'])) && !('$ref' in written || 'anyOf' in written || 'allOf' in written)
  const isOpen = isObjectHere && written['additionalProperties'] !== false
  if (isOpen) written['additionalProperties'] = false
  changes.any ||= told.length > 0 || isOpen || 'oneOf' in value
  return written
}

function member(key: string, value: Json, changes: { any: boolean }): Json {
  if (!maps.has(key) || !isObject(value)) return within(value, changes)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, within(inner, changes)]))
}

function isUnenforced(key: string, value: Json): boolean {
  if (key === 'format') return typeof value === 'string' && !formats.has(value)
  if (key === 'minItems') return value !== 0 && value !== 1
  return unenforced.has(key)
}

/** A schema that is but a name of one of its own definitions is that definition. */
export function resolved(schema: JsonObject): JsonObject {
  const { $ref: name, ...rest } = schema
  const found = typeof name === 'string' && schema['type'] === undefined ? /^#\/(\$defs|definitions)\/([^/]+)$/.exec(name) : null
  const definitions = found && schema[found[1]!]
  const definition = isObject(definitions) ? definitions[found![2]!] : undefined
  return isObject(definition) ? { ...definition, ...rest } : schema
}

/**
 * Google's schema (a subset of OpenAPI 3.0 with types in upper case: https://ai.google.dev/api/caching#Schema) as JSON Schema. Requests
 * are written with JSON Schema alone, which Google takes beside it (`parametersJsonSchema`, `responseJsonSchema`), so there is no way back.
 */
import type { Json, JsonObject } from '../canonical.ts'
import { isObject } from './fields.ts'

const types = new Set(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'])
/** Counts are 64-bit numbers, which Google's JSON writes as texts. */
const counts = new Set(['maxItems', 'minItems', 'maxLength', 'minLength', 'maxProperties', 'minProperties'])
const others: Readonly<Record<string, string>> = {
  any_of: 'anyOf', one_of: 'oneOf', all_of: 'allOf', max_items: 'maxItems', min_items: 'minItems', max_length: 'maxLength', min_length: 'minLength', max_properties: 'maxProperties',
  min_properties: 'minProperties', prefix_items: 'prefixItems', property_ordering: 'propertyOrdering', additional_properties: 'additionalProperties', defs: '$defs', ref: '$ref',
}
const schemas = new Set(['items', 'not', 'additionalProperties', 'contains', 'propertyNames', 'if', 'then', 'else'])
const listsOfSchemas = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems'])
const mapsOfSchemas = new Set(['properties', '$defs', 'definitions', 'patternProperties'])

/** JSON Schema comes out as it went in, but for the types that some clients write in upper case there too. */
export function jsonSchemaOf(schema: JsonObject): JsonObject {
  const found = new Map<string, Json>()
  for (const [name, value] of Object.entries(schema)) {
    const key = others[name] ?? name
    if (key === 'type') {
      const type = typeOf(value)
      if (type !== undefined) found.set('type', type)
    } else if (key === 'example') found.set('examples', [value])
    else if (counts.has(key)) found.set(key, typeof value === 'string' && value !== '' ? Number(value) : value)
    else if (!isOfOpenApi(key, value)) found.set(key, inner(key, value))
  }
  const { properties } = schema
  const names = schema['propertyOrdering'] ?? schema['property_ordering']
  if (isObject(properties) && Array.isArray(names)) found.set('properties', ordered(found.get('properties') as JsonObject, names))
  const plain = Object.fromEntries(found)
  return schema['nullable'] === true ? orNull(plain) : plain
}

/** Said in another way, or nothing. */
const isOfOpenApi = (key: string, value: Json): boolean =>
  (key === 'format' && value === 'enum') || (key === 'nullable' && typeof value === 'boolean') || (key === 'propertyOrdering' && Array.isArray(value))

function typeOf(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.map((each) => typeOf(each) ?? each)
  return value === 'TYPE_UNSPECIFIED' ? undefined : typeof value === 'string' && types.has(value) ? value.toLowerCase() : value
}

function inner(key: string, value: Json): Json {
  if (schemas.has(key)) return Array.isArray(value) ? value.map(each) : each(value)
  if (listsOfSchemas.has(key) && Array.isArray(value)) return value.map(each)
  if (mapsOfSchemas.has(key) && isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, each(schema)]))
  return value
}

const each = (value: Json): Json => (isObject(value) ? jsonSchemaOf(value) : value)

/** JSON Schema has no order but that of its text. */
function ordered(properties: JsonObject, names: readonly Json[]): JsonObject {
  const first = names.filter((name): name is string => typeof name === 'string' && Object.hasOwn(properties, name))
  return { ...Object.fromEntries(first.map((name) => [name, properties[name]!])), ...properties }
}

function orNull(schema: JsonObject): JsonObject {
  const { type, enum: values, anyOf } = schema
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] }
  if (type === undefined) return { anyOf: [schema, { type: 'null' }] }
  const nullable: JsonObject = { ...schema, type: [...(Array.isArray(type) ? type : [type]), 'null'] }
  return Array.isArray(values) ? { ...nullable, enum: [...values, null] } : nullable
}

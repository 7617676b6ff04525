/** Checks JSON against the schemas of vendors' API descriptions, as far as those use JSON Schema. A word of a schema that is not known here is refused, so that nothing passes unchecked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

export interface Schema {
  $ref?: string
  type?: string | string[]
  nullable?: boolean
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  propertyNames?: Schema
  items?: Schema
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number | boolean
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
}

const words = new Set(['$ref', 'type', 'nullable', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'propertyNames', 'items', 'oneOf', 'anyOf', 'allOf', 'minimum', 'maximum', 'exclusiveMinimum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'format', 'discriminator', 'uniqueItems', 'maxProperties', '$recursiveAnchor', '$recursiveRef', 'contentMediaType', 'contentEncoding'])

/** What is wrong, each with its place, and which members of an object a schema knows. */
interface Found { faults: string[]; known: Set<string> | 'all' }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value)
const both = (a: Found['known'], b: Found['known']): Found['known'] => (a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b]))

export class Description {
  readonly #schemas: Record<string, Schema>

  /** `name` of a file in test/fixtures/specs/. */
  constructor(name: string) {
    this.#schemas = (JSON.parse(brotliDecompressSync(readFileSync(join(import.meta.dirname, `../fixtures/specs/${name}.json.br`))).toString()) as { schemas: Record<string, Schema> }).schemas
  }

  /** `closed`: members that no schema names are faults, as the vendor refuses them. */
  faults(name: string, value: unknown, closed: boolean): string[] {
    return this.#whole(value, { $ref: `/${name}` }, name, closed)
  }

  /** One value by all that is said of it. */
  #whole(value: unknown, schema: Schema, at: string, closed: boolean): string[] {
    const { faults, known } = this.#check(value, schema, at, closed)
    if (!closed || !isObject(value) || known === 'all') return faults
    return [...faults, ...Object.keys(value).filter((key) => !known.has(key)).map((key) => `${at}.${key}: no schema names it`)]
  }

  #check(value: unknown, schema: Schema, at: string, closed: boolean): Found {
    const unknown = Object.keys(schema).find((word) => !words.has(word))
    if (unknown !== undefined) throw new Error(`${at}: the word ${unknown} of a schema is not known here.`)
    if (value === null && schema.nullable) return { faults: [], known: 'all' }
    const found: Found = { faults: plainFaults(value, schema, at), known: isObject(value) ? this.#members(schema) : new Set() }
    const add = (more: Found): void => {
      found.faults.push(...more.faults)
      found.known = both(found.known, more.known)
    }
    if (schema.$ref !== undefined) add(this.#check(value, this.#named(schema.$ref), at, closed))
    for (const each of schema.allOf ?? []) add(this.#check(value, each, at, closed))
    for (const each of [schema.anyOf, schema.oneOf]) if (each) add(this.#best(value, each, at, closed))
    if (Array.isArray(value) && schema.items) for (const [index, each] of value.entries()) found.faults.push(...this.#whole(each, schema.items, `${at}[${index}]`, closed))
    if (isObject(value)) found.faults.push(...this.#inside(value, schema, at, closed))
    return found
  }

  #named(reference: string): Schema {
    const schema = this.#schemas[reference.slice(reference.lastIndexOf('/') + 1)]
    if (!schema) throw new Error(`There is no schema ${reference}.`)
    return schema
  }

  /** A schema that says nothing of an object's members knows them all. */
  #members({ type, properties, additionalProperties, $ref, allOf, anyOf, oneOf }: Schema): Found['known'] {
    if (additionalProperties !== undefined && additionalProperties !== false) return 'all'
    if (properties) return new Set(Object.keys(properties))
    return $ref === undefined && !allOf && !anyOf && !oneOf && (type === 'object' || type === undefined) && additionalProperties === undefined ? 'all' : new Set()
  }

  #inside(value: Record<string, unknown>, { properties = {}, additionalProperties }: Schema, at: string, closed: boolean): string[] {
    return Object.entries(value).flatMap(([key, each]) => {
      const own = Object.hasOwn(properties, key) ? properties[key] : undefined
      const schema = own ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
      // Many members may be null although their description forgets to say so: `undefined` in a client's code is sent as nothing, null by none of ours.
      return schema ? this.#whole(each, schema, `${at}.${key}`, closed) : []
    })
  }

  /** The alternative that fits, or the one that fits nearly: descriptions of unions are too loose for exactly one. */
  #best(value: unknown, schemas: readonly Schema[], at: string, closed: boolean): Found {
    let best: Found | null = null
    let fewest = Infinity
    for (const each of schemas) {
      const found = this.#check(value, each, at, closed)
      const unnamed = closed && isObject(value) && found.known !== 'all' ? Object.keys(value).filter((key) => !(found.known as Set<string>).has(key)).length : 0
      // A tag that does not fit is worse than anything inside of what it names.
      const count = found.faults.reduce((sum, fault) => sum + (/\.(type|role|object): .*is not one of/.test(fault.slice(at.length)) && !/[.[].*[.[]/.test(fault.slice(at.length, fault.indexOf(':'))) ? 1000 : 1), 0) + unnamed
      if (count < fewest) [best, fewest] = [found, count]
      if (count === 0) break
    }
    return best!
  }
}

/** What needs no look inside. */
function plainFaults(value: unknown, schema: Schema, at: string): string[] {
  const faults: string[] = []
  const { type, minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity, minItems = 0, maxItems = Infinity, pattern, required = [] } = schema
  const types = type === undefined ? [] : [type].flat()
  const got = typeOf(value)
  if (types.length > 0 && !types.includes(got) && !(got === 'integer' && types.includes('number'))) return [`${at}: ${got} is not one of the types ${types.join(', ')}`]
  if (schema.enum && !schema.enum.includes(value)) faults.push(`${at}: ${JSON.stringify(value)} is not one of ${JSON.stringify(schema.enum)}`)
  if (schema.const !== undefined && value !== schema.const) faults.push(`${at}: ${JSON.stringify(value)} is not one of ${JSON.stringify([schema.const])}`)
  if (typeof value === 'number' && (value < minimum || value > maximum)) faults.push(`${at}: ${value} is out of bounds`)
  if (typeof value === 'string' && (value.length < minLength || value.length > maxLength)) faults.push(`${at}: a length of ${value.length}`)
  if (typeof value === 'string' && pattern !== undefined && !new RegExp(pattern).test(value)) faults.push(`${at}: ${value.slice(0, 40)} is not like ${pattern}`)
  if (Array.isArray(value) && (value.length < minItems || value.length > maxItems)) faults.push(`${at}: ${value.length} elements`)
  if (isObject(value)) for (const key of required) if (value[key] === undefined) faults.push(`${at}.${key}: is missing`)
  return faults
}

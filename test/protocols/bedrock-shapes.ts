/** Checks JSON against the shapes of AWS's own model of Converse, as its SDKs do before they send. */
import { readFileSync } from 'node:fs'
import type { Json } from '../../src/protocols/canonical.ts'

interface Shape {
  type: 'structure' | 'list' | 'map' | 'string' | 'blob' | 'integer' | 'long' | 'float' | 'boolean'
  min?: number
  max?: number
  pattern?: string
  enum?: string[]
  required?: string[]
  /** Exactly one member. */
  union?: boolean
  /** Any JSON. */
  document?: boolean
  members?: Record<string, string>
  member?: string
  key?: string
  value?: string
}
const { shapes } = JSON.parse(readFileSync(new URL('../fixtures/bedrock-converse-shapes.json', import.meta.url), 'utf8')) as { shapes: Record<string, Shape> }

/** What is wrong, each with its place; nothing: it is valid. */
export function faults(value: Json, name: string, at = name): string[] {
  const shape = shapes[name]!
  if (shape.document) return []
  const isWithin = (size: number): string[] => (size < (shape.min ?? -Infinity) || size > (shape.max ?? Infinity) ? [`${at}: ${size} is not within ${shape.min} and ${shape.max}`] : [])
  switch (shape.type) {
    case 'structure': return structure(value, shape, at)
    case 'list': return Array.isArray(value) ? [...isWithin(value.length), ...value.flatMap((each, index) => faults(each, shape.member!, `${at}[${index}]`))] : [`${at}: no list`]
    case 'map': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: no map`]
      return [...isWithin(Object.keys(value).length), ...Object.entries(value).flatMap(([key, each]) => [...faults(key, shape.key!, `${at}.${key}`), ...faults(each, shape.value!, `${at}.${key}`)])]
    }
    case 'string': return typeof value === 'string' ? [...isWithin(value.length), ...text(value, shape, at)] : [`${at}: no text`]
    case 'blob': return typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value ? isWithin(value.length) : [`${at}: no base64`]
    case 'boolean': return typeof value === 'boolean' ? [] : [`${at}: no boolean`]
    default: return typeof value === 'number' && (shape.type === 'float' || Number.isInteger(value)) ? isWithin(value) : [`${at}: no ${shape.type}`]
  }
}

function text(value: string, { pattern, enum: values }: Shape, at: string): string[] {
  if (values && !values.includes(value)) return [`${at}: "${value}" is none of ${values.join(', ')}`]
  return pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(value) ? [`${at}: "${value}" is not ${pattern}`] : []
}

function structure(value: Json, { members = {}, required = [], union }: Shape, at: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: no object`]
  const keys = Object.keys(value)
  return [
    ...required.filter((key) => !keys.includes(key)).map((key) => `${at}: ${key} is missing`),
    ...(union && keys.length !== 1 ? [`${at}: one member, not ${keys.join(', ')}`] : []),
    ...keys.flatMap((key) => (Object.hasOwn(members, key) ? faults(value[key]!, members[key]!, `${at}.${key}`) : [`${at}: ${key} is unknown`])),
  ]
}

/** A value that fits a JSON Schema, for structured output and tool calls. Keywords it does not know are ignored; depth is bounded. */
import { between, pick, type Random } from './random.ts'

type Schema = Record<string, unknown>
const maxDepth = 12
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)
const number = (value: unknown, fallback: number): number => (typeof value === 'number' && Number.isFinite(value) ? value : fallback)

const formats: Record<string, string> = {
  date: '2026-01-31', time: '12:00:00Z', 'date-time': '2026-01-31T12:00:00Z', duration: 'PT5M', email: 'someone@example.com',
  hostname: 'example.com', ipv4: '192.0.2.1', ipv6: '2001:db8::1', uri: 'https://example.com/', uuid: '00000000-0000-4000-8000-000000000000',
}

/** `name` is the property that the value stands in: it makes text readable. */
export function sample(random: Random, schema: unknown, name = 'value', root: unknown = schema, depth = 0): unknown {
  if (!isSchema(schema) || depth > maxDepth) return `simulated ${name}`
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return pick(random, schema.enum)
  if (typeof schema.$ref === 'string') return sample(random, resolve(schema.$ref, root), name, root, depth + 1)
  for (const choice of [schema.anyOf, schema.oneOf]) if (Array.isArray(choice)) return sample(random, choice[0], name, root, depth + 1)
  if (Array.isArray(schema.allOf)) return sample(random, Object.assign({}, ...schema.allOf.filter(isSchema)), name, root, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== 'null') : schema.type
  switch (type ?? (isSchema(schema.properties) ? 'object' : 'string')) {
    case 'object': return object(random, schema, root, depth)
    case 'array': {
      const least = number(schema.minItems, 1)
      const length = Math.min(64, between(random, least, Math.max(least, Math.min(number(schema.maxItems, least + 2), least + 2))))
      return Array.from({ length }, (_, index) => sample(random, schema.items, `${name} ${index + 1}`, root, depth + 1))
    }
    case 'integer': return numeric(random, schema, true)
    case 'number': return numeric(random, schema, false)
    case 'boolean': return random() < 0.5
    case 'null': return null
    default: return string(schema, name)
  }
}

function object(random: Random, schema: Schema, root: unknown, depth: number): unknown {
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
  const required = Array.isArray(schema.required) ? schema.required : []
  const wanted = depth < maxDepth / 2 ? properties : properties.filter(([key]) => required.includes(key))
  return Object.fromEntries(wanted.map(([key, value]) => [key, sample(random, value, key, root, depth + 1)]))
}

function numeric(random: Random, schema: Schema, whole: boolean): number {
  const step = number(schema.multipleOf, whole ? 1 : 0.5)
  const least = number(schema.minimum, number(schema.exclusiveMinimum, 0) + ('exclusiveMinimum' in schema ? step : 0))
  const most = number(schema.maximum, number(schema.exclusiveMaximum, least + 100) - ('exclusiveMaximum' in schema ? step : 0))
  const first = Math.ceil(least / step)
  return between(random, first, Math.max(first, Math.floor(most / step))) * step
}

function string(schema: Schema, name: string): string {
  const text = (typeof schema.format === 'string' ? formats[schema.format] : undefined) ?? `simulated ${name.replaceAll('_', ' ')}`
  return text.padEnd(Math.min(number(schema.minLength, 0), 4096), '.').slice(0, number(schema.maxLength, 4096))
}

/** Local references only: `#/$defs/name`. */
function resolve(reference: string, root: unknown): unknown {
  let value: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter((each) => each !== '')) {
    value = isSchema(value) && Object.hasOwn(value, part) ? value[part] : undefined
  }
  return value
}

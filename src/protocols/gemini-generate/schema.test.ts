import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../canonical.ts'
import { jsonSchemaOf } from './schema.ts'

test('Google’s schema is JSON Schema in other words', () => {
  assert.deepEqual(jsonSchemaOf({
    type: 'OBJECT', description: 'A trip', propertyOrdering: ['to', 'from'], required: ['to'], nullable: false,
    properties: {
      from: { type: 'STRING', nullable: true, example: 'Bonn' }, to: { type: 'STRING', format: 'enum', enum: ['a', 'b'], nullable: true }, days: { type: 'ARRAY', items: { type: 'INTEGER', format: 'int32' }, minItems: '1', maxItems: '3' },
      any: { anyOf: [{ type: 'NUMBER' }, { type: 'BOOLEAN' }], nullable: true }, free: { type: 'TYPE_UNSPECIFIED' }, type: { type: 'NULL' }, nullable: { type: 'STRING', min_length: '2' }, ref: { ref: '#/$defs/x', nullable: true },
    },
    defs: { x: { type: 'STRING' } },
  }), {
    type: 'object', description: 'A trip', required: ['to'],
    properties: {
      from: { type: ['string', 'null'], examples: ['Bonn'] }, to: { type: ['string', 'null'], enum: ['a', 'b', null] }, days: { type: 'array', items: { type: 'integer', format: 'int32' }, minItems: 1, maxItems: 3 },
      any: { anyOf: [{ type: 'number' }, { type: 'boolean' }, { type: 'null' }] }, free: {}, type: { type: 'null' }, nullable: { type: 'string', minLength: 2 }, ref: { anyOf: [{ $ref: '#/$defs/x' }, { type: 'null' }] },
    },
    $defs: { x: { type: 'string' } },
  })
})

test('the order of properties is that of the text', () => {
  const { properties } = jsonSchemaOf({ type: 'OBJECT', property_ordering: ['b', 'gone'], properties: { a: {}, b: {}, c: {} } })
  assert.deepEqual(Object.keys(properties as JsonObject), ['b', 'a', 'c'])
})

test('JSON Schema stays as it is', () => {
  const schema: JsonObject = {
    $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', properties: { type: { type: ['string', 'null'] }, list: { type: 'array', prefixItems: [{ const: 'STRING' }], items: false }, format: { enum: ['STRING', 1, null], default: 'STRING' }, __proto__x: {} },
    additionalProperties: { oneOf: [{ $ref: '#/$defs/a' }, { not: { type: 'null' } }] }, patternProperties: { '^x': { type: 'number', exclusiveMinimum: 0 } }, $defs: { a: { type: 'string', pattern: '^A' } }, required: ['type'],
  }
  assert.deepEqual(jsonSchemaOf(schema), schema)
  const own = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"STRING"}}}') as JsonObject
  assert.equal(JSON.stringify(jsonSchemaOf(own)), '{"type":"object","properties":{"__proto__":{"type":"string"}}}')
})

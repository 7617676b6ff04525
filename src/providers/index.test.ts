import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { page } from '../../scripts/vendors-table.ts'
import { vendors } from './index.ts'

const folder = new URL('.', import.meta.url)
const notVendors = new Set(['provider.ts', 'index.ts'])
const declarations = readdirSync(folder).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !notVendors.has(name))

test('every declaration is in the registry, under the name of its file', () => {
  assert.deepEqual([...vendors.keys()], declarations.map(name => name.slice(0, -3)).sort())
  for (const [id, vendor] of vendors) assert.equal(vendor.id, id)
})

test('a declaration is plain data that crosses threads', () => {
  for (const vendor of vendors.values()) assert.deepEqual(structuredClone(vendor), vendor)
})

test('base URLs are https without a trailing slash; without one a vendor is the operator\'s own or simulated', () => {
  for (const { id, baseUrl, places = {}, selfHosted, simulated } of vendors.values()) {
    if (baseUrl === undefined) assert.ok(selfHosted === true || simulated === true, id)
    else assert.match(baseUrl.replaceAll(/\{[A-Z_]+\}/g, 'place'), /^https:\/\/[a-z0-9.-]+(\/[a-z0-9/-]+)?$/, id)
    assert.deepEqual([...(baseUrl ?? '').matchAll(/\{([A-Z_]+)\}/g)].map(([, name]) => name), Object.keys(places), id)
  }
})

test('no two vendors are switched on by the same variable, and each has the standard name', () => {
  const names = [...vendors.values()].flatMap(vendor => [...vendor.env, vendor.baseUrlEnv])
  assert.equal(new Set(names).size, names.length)
  for (const { id, env, auth } of vendors.values()) assert.equal(env[0], auth === 'none' ? undefined : `${id.toUpperCase().replaceAll('-', '_')}_API_KEY`, id)
})

test('ids can be the first segment of a model name', () => {
  for (const id of vendors.keys()) assert.match(id, /^[a-z][a-z0-9-]*$/)
})

test('a declaration names the page that its facts come from', () => {
  for (const name of declarations.filter(each => each !== 'simulated.ts')) {
    assert.match(readFileSync(new URL(name, folder), 'utf8'), /^\/\*\*[\s\S]*?https:\/\/[\s\S]*?\*\//, name)
  }
})

test('docs/vendors.md says what the declarations say', () => {
  assert.equal(readFileSync(new URL('../../docs/vendors.md', folder), 'utf8'), page(), 'Run: node scripts/vendors-table.ts')
})

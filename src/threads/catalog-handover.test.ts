import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../catalog/catalog.ts'
import { builtIn, catalogOf } from '../catalog/load.ts'
import { CatalogHandover, partsOf } from './catalog-handover.ts'
import type { CatalogParts } from './messages.ts'

const artefact = builtIn()
const own = catalogOf(artefact)
const parts = (version: string): CatalogParts => partsOf({ ...artefact, version })

/** Turns that are taken by hand, on a clock that moves by a millisecond whenever it is looked at. */
function byHand() {
  const waiting: (() => void)[] = []
  let now = 0
  return { turns: { monotonicMs: () => now++, later: (work: () => void) => void waiting.push(work) }, next: () => waiting.shift()?.() }
}

test('a catalogue is built in slices and adopted once, whole and equal to one built at once', () => {
  const adopted: Catalog[] = []
  const { turns, next } = byHand()
  const handover = new CatalogHandover(own, (catalog) => adopted.push(catalog), turns)
  handover.take(parts('new'))
  let slices = 0
  for (; adopted.length === 0 && slices < 1000; slices++) {
    assert.ok(handover.busy)
    next()
  }
  assert.ok(slices > 20, `${slices} slices`)
  assert.equal(handover.busy, false)
  const [catalog] = adopted
  assert.deepEqual([catalog!.version, catalog!.entries.length], ['new', own.entries.length])
  for (const name of ['gpt-5.1', 'claude-sonnet-4-5', 'llama-3.3-70b-instruct']) {
    assert.deepEqual(catalog!.logical(name).map(({ vendor, upstreamModel }) => [vendor, upstreamModel]), own.logical(name).map(({ vendor, upstreamModel }) => [vendor, upstreamModel]))
  }
})

test('a newer catalogue takes the place of the one that is being built, and the program\'s own is adopted at once', () => {
  const adopted: string[] = []
  const { turns, next } = byHand()
  const handover = new CatalogHandover(own, ({ version }) => adopted.push(version), turns)
  handover.take(parts('older'))
  for (let slice = 0; slice < 5; slice++) next()
  handover.take(parts('newer'))
  for (let slice = 0; slice < 1000; slice++) next()
  assert.deepEqual(adopted, ['newer'])
  handover.take(parts('never'))
  next()
  handover.take({ head: { version: own.version, date: own.date, facts: {} }, vendors: null })
  for (let slice = 0; slice < 1000; slice++) next()
  assert.deepEqual(adopted, ['newer', own.version])
})

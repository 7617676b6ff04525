import assert from 'node:assert/strict'
import test from 'node:test'
import type { Catalog } from '../catalog/catalog.ts'
import { compileSnapshot } from './compile-snapshot.ts'
import type { SnapshotData } from './snapshot.ts'

test('a snapshot outranks the one before it, also when the clock that numbers them was set back', () => {
  const data = (version: number): SnapshotData => ({ version, providers: [], deployments: [], aliases: [], organisations: [], settings: {} as SnapshotData['settings'] })
  const catalog = { entries: [] } as unknown as Catalog
  const first = compileSnapshot(data(1_000), catalog)
  const next = compileSnapshot(data(2_000), catalog, first)
  const setBack = compileSnapshot(data(50), catalog, next)
  assert.deepEqual([first.version, next.version, setBack.version], [1_000, 2_000, 2_001])
  assert.equal(compileSnapshot(data(51), catalog, setBack).version, 2_002)
})

/** A vendor's own list against the catalogue: what both name, what only the vendor has, what only the catalogue has. Pure. */
import type { Catalog, CatalogEntry } from '../../catalog/catalog.ts'
import type { LiveModel } from './parse-list.ts'

export interface Comparison {
  /** Named by the vendor's list, and known by the catalogue or the operator's declarations. */
  live: string[]
  /** Named by the vendor's list alone. */
  unknown: LiveModel[]
  /** Known here, and not in the vendor's list. */
  missing: string[]
  /** The list names less than half of what the catalogue says is current: it is no list of what can be called, so nothing follows from an absence. */
  partial: boolean
}

const isServed = ({ kind, deprecated }: CatalogEntry): boolean => !deprecated && (kind === 'chat' || kind === 'completion' || kind === 'embedding')

/** `grok-4-0709` and `gpt-5.1-2026-03-02` are dated forms of names that vendors take and often do not list; Ollama takes `llama3` for `llama3:latest`. */
const undated = (id: string): string => id.replace(/-(\d{4}|\d{6}|\d{8}|\d{4}-\d{2}-\d{2})$|:latest$/, '')

export function compareList(list: readonly LiveModel[], vendor: string, catalog: Pick<Catalog, 'entries'>, declared: readonly string[]): Comparison {
  const entries = catalog.entries.filter((entry) => entry.vendor === vendor)
  const known = new Set([...entries.map(({ upstreamModel }) => upstreamModel), ...declared])
  const spelt = new Set([...known].map((id) => id.toLowerCase()))
  const listed = new Set(list.flatMap(({ id }) => [id.toLowerCase(), undated(id.toLowerCase())]))
  const isListed = (id: string): boolean => listed.has(id.toLowerCase()) || listed.has(id.toLowerCase().replace(/-latest$/, ''))
  const current = entries.filter(isServed)
  return {
    live: list.filter(({ id }) => spelt.has(id.toLowerCase())).map(({ id }) => id),
    unknown: list.filter(({ id }) => !spelt.has(id.toLowerCase())),
    missing: [...known].filter((id) => !isListed(id)),
    partial: current.filter(({ upstreamModel }) => isListed(upstreamModel)).length * 2 < current.length,
  }
}

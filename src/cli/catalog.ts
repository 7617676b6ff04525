/** `megarouter catalog`: what the built-in catalogue knows about models and their prices. */
import type { Command } from 'commander'
import type { CatalogEntry } from '../catalog/catalog.ts'
import { loadCatalog } from '../catalog/load.ts'
import { count, dollars, table, type Output } from './io.ts'

interface ListOptions { vendor?: string; search?: string }

export function catalog(program: Command, output: () => Output): void {
  const command = program.command('catalog').description('models and prices that are built in')
  command.command('list').description('list models: one line per vendor and model')
    .option('--vendor <id>', 'only this vendor')
    .option('--search <text>', 'only names that contain this')
    .action((options: ListOptions) => list(output(), options))
}

function list(output: Output, { vendor, search = '' }: ListOptions): void {
  const { version, entries } = loadCatalog()
  const wanted = search.toLowerCase()
  const found = entries.filter((entry) =>
    (vendor === undefined || entry.vendor === vendor) && [entry.logicalModel, entry.upstreamModel, entry.displayName].some((name) => name.toLowerCase().includes(wanted)))
  const price = (name: 'input' | 'output') => ({ price }: CatalogEntry): string => (price === null ? 'unknown' : dollars(price.base[name]))
  output.show({ version, data: found.map(view) }, () => [
    ...table(found, [
      { title: 'MODEL', value: (entry) => entry.logicalModel },
      { title: 'VENDOR', value: (entry) => entry.vendor },
      { title: 'VENDOR’S NAME', value: (entry) => entry.upstreamModel },
      { title: 'CONTEXT', value: (entry) => (entry.contextTokens === 0 ? '–' : count(entry.contextTokens)), right: true },
      { title: 'INPUT', value: price('input'), right: true },
      { title: 'OUTPUT', value: price('output'), right: true },
      { title: '', value: (entry) => [entry.kind === 'chat' ? '' : entry.kind, entry.deprecated ? 'deprecated' : ''].filter((note) => note !== '').join(', ') },
    ], 'No model matches.'),
    '', `${count(found.length)} of ${count(entries.length)} in ${version}; prices in US dollars per million tokens.`,
  ])
}

const view = ({ vendor, upstreamModel, logicalModel, displayName, kind, contextTokens, outputTokens, deprecated, price }: CatalogEntry) => ({
  model: logicalModel, vendor, upstreamModel, name: displayName, kind, contextTokens, outputTokens, deprecated,
  price: price === null ? null : { version: price.version, nanoPerMillion: price.base, tiers: price.tiers },
})

/** `megarouter catalog`: the models and prices in force, updates from a feed with a diff to review first, and the history of prices. */
import { Option, type Command } from 'commander'
import type { CatalogEntry } from '../catalog/catalog.ts'
import type { Change } from '../catalog/guard.ts'
import { builtIn, catalogOf } from '../catalog/load.ts'
import { withOverrides } from '../catalog/operator.ts'
import { vendorIdsOf } from '../catalog/sources.ts'
import { FeedError } from '../catalog/strict-json.ts'
import { systemClock } from '../clock.ts'
import { describeHeld, filterEntries, historyOf } from '../control/catalog/describe.ts'
import { fetchFeed, readFeedFile } from '../control/catalog/fetch.ts'
import { adoptBuiltIn, findInForce, summaryOf, type Updating } from '../control/catalog/in-force.ts'
import { decide, update } from '../control/catalog/update.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import { vendors } from '../providers/index.ts'
import { catalogState, listCatalogs } from '../store/catalog.ts'
import { findChanges, type HeldChange } from '../store/catalog-changes.ts'
import { readConfig, readSettings, withInstallation } from './installation.ts'
import { CommandError, count, day, dollars, isoTime, table, type Io, type Output } from './io.ts'

const changedBy = 'the command line'
const shownLines = 60

type Session = { updating: Updating; output: Output }

export function catalog(program: Command, io: Io, output: () => Output): void {
  const command = program.command('catalog').description('models and prices')
  const session = (work: (session: Session) => Promise<void>): Promise<void> => withInstallation(io, async ({ database }) => {
    const updating = { database, clock: { ...systemClock, epochMs: io.epochMs }, random: io.random, builtIn: builtIn(), vendorIds: vendorIdsOf(vendors.values()) }
    await adoptBuiltIn(updating)
    await work({ updating, output: output() })
  })
  command.command('list').description('list the models in force: one line per vendor and model')
    .option('--vendor <id>', 'only this vendor').option('--search <text>', 'only names that contain this').option('--kind <kind>', 'chat, embedding, image, audio, rerank …')
    .action((options: { vendor?: string; search?: string; kind?: string }) => session((opened) => list(opened, options)))
  for (const [name, dryRun, text] of [['update', false, 'take over what changed in a feed'], ['diff', true, 'show what an update would change, and change nothing']] as const) {
    command.command(name).description(text).option('--from <url|file>', 'models.dev’s api.json or a compiled catalogue; default: catalog.url of megarouter.yaml')
      .action((options: { from?: string }) => session((opened) => updateFrom(opened, io, options.from, dryRun)))
  }
  command.command('changes').description('list changes that an update held back').addOption(new Option('--state <state>', 'what became of them').choices(['held', 'approved', 'rejected', 'superseded']).default('held'))
    .action((options: { state: 'held' }) => session((opened) => changes(opened, options.state)))
  for (const [name, decision, text] of [['approve', 'approved', 'put changes in force that were held back'], ['reject', 'rejected', 'drop changes that were held back']] as const) {
    command.command(`${name} <version|id...>`).description(`${text}: all of a catalogue version, or single ones by id`)
      .action((which: string[]) => session((opened) => decideOn(opened, decision, which)))
  }
  command.command('history <model>').description('prices over time: of a name, or of vendor/model').action((name: string) => session((opened) => history(opened, name)))
  command.command('versions').description('list the catalogues that were in force').action(() => session(versions))
}

/** As the data plane has it. */
async function inForce({ database, builtIn: own }: Updating) {
  const { artefact } = await findInForce(database, own)
  return { artefact, catalog: catalogOf(withOverrides(artefact, (await catalogState(database)).overrides, matchesModel).artefact) }
}

async function list({ updating, output }: Session, filters: { vendor?: string; search?: string; kind?: string }): Promise<void> {
  const { catalog: { version, entries }, catalog: current } = await inForce(updating)
  const found = filterEntries(current, filters)
  const price = (name: 'input' | 'output') => ({ price: prices }: CatalogEntry): string => (prices === null ? 'unknown' : dollars(prices.base[name]))
  output.show({ version, data: found.map(view) }, () => [
    ...table(found, [
      { title: 'MODEL', value: (entry) => entry.logicalModel },
      { title: 'VENDOR', value: (entry) => entry.vendor },
      { title: 'VENDOR’S NAME', value: (entry) => entry.upstreamModel },
      { title: 'CONTEXT', value: (entry) => (entry.contextTokens === 0 ? '–' : count(entry.contextTokens)), right: true },
      { title: 'INPUT', value: price('input'), right: true },
      { title: 'OUTPUT', value: price('output'), right: true },
      { title: '', value: (entry) => [entry.kind === 'chat' ? '' : entry.kind, entry.withdrawnOn === '' ? '' : 'withdrawn', entry.deprecated && entry.withdrawnOn === '' ? 'deprecated' : ''].filter((note) => note !== '').join(', ') },
    ], 'No model matches.'),
    '', `${count(found.length)} of ${count(entries.length)} in ${version}, ${count(found.filter(({ price: known }) => known !== null).length)} priced, of ${count(new Set(found.map(({ vendor }) => vendor)).size)} vendors; prices in US dollars per million tokens.`,
  ])
}

const view = ({ vendor, upstreamModel, logicalModel, displayName, kind, contextTokens, outputTokens, deprecated, withdrawnOn, source, price }: CatalogEntry) => ({
  model: logicalModel, vendor, upstreamModel, name: displayName, kind, contextTokens, outputTokens, deprecated, withdrawnOn: withdrawnOn === '' ? null : withdrawnOn, source,
  price: price === null ? null : { version: price.version, nanoPerMillion: price.base, tiers: price.tiers, conditions: price.conditions ?? [] },
})

async function updateFrom({ updating, output }: Session, io: Io, from: string | undefined, dryRun: boolean): Promise<void> {
  const source = from ?? readConfig(readSettings(io), io).catalog.url
  if (source === null) throw new CommandError('There is no feed: give --from, or set catalog.url in megarouter.yaml.')
  try {
    const text = /^https?:/i.test(source) ? await fetchFeed(source, { guarded: false }) : readFeedFile(source)
    const { version, record, applied, held, unreadable } = await update(updating, text, { source, by: changedBy, dryRun })
    const summary = summaryOf({ applied, held, unreadable })
    output.show({ version, applied: record !== null, summary, changes: [...held, ...applied], unreadable }, () => [
      ...changeLines([...held, ...applied]), '',
      `${count(summary.added)} added, ${count(summary.withdrawn)} withdrawn, ${count(summary.prices)} prices, ${count(summary.limits)} limits, ${count(summary.facts)} facts${summary.unreadable > 0 ? `; ${count(summary.unreadable)} entries could not be read and stay as they are` : ''}.`,
      ...held.length > 0 ? [`${count(held.length)} changes ${dryRun ? 'would be' : 'are'} held back: megarouter catalog changes, then approve or reject.`] : [],
      dryRun ? 'Nothing was changed.' : record === null ? `Nothing to apply; ${version} stays in force.` : `${version} is in force.`,
    ])
  } catch (error) {
    throw error instanceof FeedError ? new CommandError(`Nothing was changed. ${error.message}`) : error
  }
}

const nano = (part: Change['before'], name: 'input' | 'output'): string => (part?.price === undefined ? 'unknown' : dollars(part.price[name] ?? 0))

function what({ kind, before, after }: Pick<Change, 'kind' | 'before' | 'after'>): string {
  const isPlain = (['input', 'output'] as const).some((name) => nano(before, name) !== nano(after, name))
  if (kind === 'price') return !isPlain ? 'tiers, conditions or other classes' : `${nano(before, 'input')} / ${nano(before, 'output')} → ${nano(after, 'input')} / ${nano(after, 'output')}`
  if (kind === 'limits') return `${count(before?.context ?? 0)} / ${count(before?.output ?? 0)} → ${count(after?.context ?? 0)} / ${count(after?.output ?? 0)} tokens`
  if (kind === 'added') return `${nano(after, 'input')} / ${nano(after, 'output')}`
  if (kind !== 'facts') return ''
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter((name) => JSON.stringify(before?.[name as 'id']) !== JSON.stringify(after?.[name as 'id'])).join(', ')
}

const factor = (value: number | null): string => (value === null ? '' : `${value.toFixed(2)}×`)

function changeLines(all: readonly Change[]): string[] {
  const lines = table<Change>(all.slice(0, shownLines), [
    { title: 'CHANGE', value: ({ kind }) => kind }, { title: 'VENDOR', value: ({ vendor }) => vendor }, { title: 'MODEL', value: ({ model }) => model },
    { title: 'INPUT / OUTPUT', value: what }, { title: 'FACTOR', value: (change) => factor(change.factor), right: true }, { title: 'HELD BACK', value: ({ held }) => held ?? '' },
  ], 'Nothing differs.')
  return all.length > shownLines ? [...lines, `… and ${count(all.length - shownLines)} more; --json has all.`] : lines
}

async function changes({ updating, output }: Session, state: 'held'): Promise<void> {
  const found = await findChanges(updating.database, state)
  output.show({ data: found.map(describeHeld) }, () => table<HeldChange>(found, [
    { title: 'ID', value: ({ id }) => id }, { title: 'SINCE', value: ({ createdAt }) => day(createdAt) }, { title: 'CHANGE', value: ({ kind }) => kind },
    { title: 'VENDOR', value: ({ vendor }) => vendor }, { title: 'MODEL', value: ({ model }) => model }, { title: 'INPUT / OUTPUT', value: what },
    { title: 'FACTOR', value: (change) => factor(change.factor), right: true }, { title: 'WHY', value: ({ reason }) => reason },
  ], state === 'held' ? 'No change waits for review.' : 'None.'))
}

async function decideOn({ updating, output }: Session, decision: 'approved' | 'rejected', which: readonly string[]): Promise<void> {
  const ids = which.filter((each) => each.startsWith('chg_'))
  const versionsNamed = which.filter((each) => !each.startsWith('chg_'))
  if (versionsNamed.length > 1 || (ids.length > 0 && versionsNamed.length > 0)) throw new CommandError('Name one version, or ids (chg_…), not both.')
  const { decided, version } = await decide(updating, decision, versionsNamed[0] === undefined ? { ids } : { version: versionsNamed[0] }, changedBy)
  if (decided.length === 0) throw new CommandError('None of these changes waits for review: megarouter catalog changes lists those that do.')
  output.show({ decided: decided.length, version }, () => [`${count(decided.length)} changes ${decision}; ${version} is in force.`])
}

async function history({ updating, output }: Session, name: string): Promise<void> {
  const { artefact, catalog: current } = await inForce(updating)
  const found = await historyOf(updating.database, current, artefact, name)
  if (found.length === 0) throw new CommandError(`There is no model ${name} in the catalogue. Nearest: ${current.nearest(name, 3).join(', ')}.`)
  const data = found.map(({ vendor, model, points }) => ({ vendor, model, prices: points.map(({ validFrom, ...point }) => ({ validFrom: validFrom === null ? null : isoTime(validFrom), ...point })) }))
  output.show({ data }, () => table(data.flatMap(({ vendor, model, prices }) => prices.map((point) => ({ vendor, model, ...point }))), [
    { title: 'VENDOR', value: ({ vendor }) => vendor }, { title: 'MODEL', value: ({ model }) => model }, { title: 'VALID FROM', value: ({ validFrom }) => validFrom ?? 'the beginning' },
    { title: 'INPUT', value: ({ price }) => nano(price, 'input'), right: true }, { title: 'OUTPUT', value: ({ price }) => nano(price, 'output'), right: true }, { title: 'VERSION', value: ({ version }) => version },
  ], ''))
}

async function versions({ updating, output }: Session): Promise<void> {
  const { data } = await listCatalogs(updating.database, { limit: 100 })
  output.show({ data: data.map(({ appliedAt, ...rest }) => ({ ...rest, appliedAt: isoTime(appliedAt) })) }, () => table(data, [
    { title: 'NUMBER', value: ({ number }) => String(number), right: true }, { title: 'VERSION', value: ({ version }) => version }, { title: 'IN FORCE FROM', value: ({ appliedAt }) => day(appliedAt) },
    { title: 'ORIGIN', value: ({ origin }) => origin }, { title: 'BY', value: ({ appliedBy }) => appliedBy }, { title: 'SOURCE', value: ({ source }) => source },
    { title: 'PRICES', value: ({ summary }) => count(summary.prices), right: true }, { title: 'HELD', value: ({ summary }) => count(summary.held), right: true },
  ], ''))
}

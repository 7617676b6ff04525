/**
 * Keeps the data plane's picture equal to the database: the snapshot is built complete and replaces the old one, keys go singly.
 * The database's change counter is polled, so that edits of the CLI or another node arrive like our own. While the database does
 * not answer nothing is posted, not even the heartbeat: the data plane then knows how old its picture is.
 */
import type { Clock } from '../clock.ts'
import type { KeyEntry, ListData, OrganisationSnapshot, ProviderData } from '../gateway/snapshot.ts'
import { changesSince, type Changes } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import type { ApiKey } from '../store/keys.ts'
import type { CatalogHealth, FromControl } from '../threads/messages.ts'
import { governanceRows } from './governance-data.ts'
import { keyEntry, snapshotData, type FileLimits, type Resolving, type Rows } from './snapshot-data.ts'

const pollMs = 400
const heartbeatMs = 1_000
const batchSize = 1_000

interface PublisherSettings {
  database: Database
  clock: Clock
  resolving: Resolving
  post: (message: FromControl) => void
  /** What the running configuration says besides the database. */
  file: () => FileLimits
  configError: () => string | null
  /** Where the vendor's own list of models differs from what is known of it; null without such a list. */
  listOf: (org: string, provider: ProviderData) => ListData | null
  /** The providers that are on now. */
  follow: (organisations: readonly Pick<OrganisationSnapshot, 'id' | 'providers'>[]) => void
  /** Brings the catalogue up to date before the snapshot that belongs to it. */
  catalog: { refresh(): Promise<void>; readonly health: CatalogHealth }
  /** Rights and log-in follow the same changes, before the answer to the edit that made them. */
  govern: (changes: Changes) => void
  /** Looks which master key is in use. False when it was not given to this process. */
  masterKeys: () => Promise<boolean>
  log: { warn(message: string): void }
}

/** A second credential that acts as a key for a short time. */
interface Loan { key: ApiKey; hash: Uint8Array; expiresAt: number }

type Mutable = { [Kind in keyof Rows]: Rows[Kind] extends ReadonlyMap<string, infer Row> ? Map<string, Row> : Rows[Kind] }

/** Of an organisation that nothing is known of. */
const noRows: Rows = { providers: new Map(), aliases: new Map(), deployments: new Map(), routing: new Map(), settings: null }
const nothing: ReadonlyMap<string, ProviderData> = new Map()

function merge<Row extends { deleted: boolean }>(into: Map<string, Row>, id: string, row: Row): void {
  if (row.deleted) into.delete(id)
  else into.set(id, row)
}

/** A batch is taken in without a pause that anybody would notice. */
const batched = <Each>(all: readonly Each[]): Each[][] => Array.from({ length: Math.ceil(all.length / batchSize) }, (_, index) => all.slice(index * batchSize, (index + 1) * batchSize))

/** As the organisation itself uses it: what belongs to a team or project is for its keys alone. */
const withCommon = (provider: ProviderData): ProviderData => ({ ...provider, credentials: provider.credentials.filter(({ node }) => node === undefined || node === null) })

export class Publisher {
  readonly #settings: PublisherSettings
  /** By organisation. */
  readonly #rows = new Map<string, Mutable>()
  readonly #loans = new Map<string, Loan>()
  #revision = 0
  #version = 0
  #stale = true
  #loaded = false
  #heartbeatAt = -Infinity
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #again: Promise<void> | null = null
  #problems: ReadonlyMap<string, readonly string[]> = new Map()
  #databaseUp = false
  #masterKeyGiven = true
  #published: ReadonlyMap<string, ReadonlyMap<string, ProviderData>> = new Map()

  constructor(settings: PublisherSettings) {
    this.#settings = settings
  }

  rowsOf(org: string): Rows { return this.#rows.get(org) ?? noRows }
  /** What of an organisation could not be published, for /status. */
  problemsOf(org: string): readonly string[] { return this.#problems.get(org) ?? [] }
  get databaseUp(): boolean { return this.#databaseUp }
  /** The providers that the data plane can use now for an organisation, with their secrets: never part of an answer. */
  publishedOf(org: string): ReadonlyMap<string, ProviderData> { return this.#published.get(org) ?? nothing }

  /** Loads everything, then polls until `stop`. The first load must succeed. */
  async start(): Promise<void> {
    await this.#pull()
    this.#schedule()
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#running
  }

  /** Posts what was written before the call; an edit of the API answers after this. */
  async refresh(): Promise<void> {
    // A pull that already runs may have read too early: one more follows it, shared by all who wait.
    if (this.#running === null) return this.#pull()
    this.#again ??= this.#running.catch(() => undefined).then(() => {
      this.#again = null
      return this.#pull()
    })
    return this.#again
  }

  /** The snapshot is built anew although no row changed, for example after a reload. */
  invalidate(): void {
    this.#stale = true
  }

  /** Lets `hash` act as the key until `expiresAt` (epoch ms). Kept in memory only. */
  lend(key: ApiKey, hash: Uint8Array, expiresAt: number): void {
    const loan = { key, hash, expiresAt }
    this.#loans.set(Buffer.from(hash).toString('hex'), loan)
    this.#settings.post({ kind: 'keys', entries: [this.#loanEntry(loan)], complete: false })
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#pull().catch((error: unknown) => this.#lost(error)).finally(() => {
        if (this.#timer !== null) this.#schedule()
      })
    }, pollMs)
  }

  #lost(error: unknown): void {
    if (this.#databaseUp) this.#settings.log.warn(`The database does not answer: ${error instanceof Error ? error.message : String(error)}. The gateway goes on with what it knows.`)
    this.#databaseUp = false
  }

  #pull(): Promise<void> {
    this.#running ??= this.#pullOnce().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #pullOnce(): Promise<void> {
    const { database, clock, post, configError, catalog } = this.#settings
    for (let more = true; more;) {
      const readAt = clock.epochMs()
      const changes = await changesSince(database, this.#revision)
      if (changes.revision !== this.#revision) {
        await catalog.refresh()
        await this.#followMasterKeys()
      }
      const entries = this.#entries(changes)
      // Before the keys and the snapshot that they are for: a key of a new team never meets a data plane that does not know it.
      for (const rows of batched(governanceRows(changes.governance))) post({ kind: 'governance', rows })
      this.#settings.govern(changes)
      this.#adopt(changes)
      more = changes.more
      if (!more) this.#publishSnapshot()
      this.#postKeys(entries, !more)
      if (more || readAt - this.#heartbeatAt < heartbeatMs - pollMs / 2) continue
      this.#heartbeatAt = readAt
      post({ kind: 'heartbeat', at: readAt, configError: configError(), catalog: catalog.health })
    }
    this.#databaseUp = true
  }

  async #followMasterKeys(): Promise<void> {
    const { masterKeys, log } = this.#settings
    const given = await masterKeys()
    if (!given && this.#masterKeyGiven) log.warn('Another master key came into use that this process was not started with: secrets that changed since cannot be opened, new keys are not known. Start it again with that key.')
    this.#masterKeyGiven = given
  }

  #adopt(changes: Changes): void {
    const { providers, aliases, deployments, routingPolicies, settings } = changes
    for (const row of providers) merge(this.#of(row.org).providers, row.id, row)
    for (const row of aliases) merge(this.#of(row.org).aliases, row.name, row)
    for (const row of deployments) merge(this.#of(row.org).deployments, row.id, row)
    for (const row of routingPolicies) merge(this.#of(row.org).routing, row.name, row)
    for (const row of settings) this.#of(row.org).settings = row.deleted ? null : row
    if (providers.length + aliases.length + deployments.length + routingPolicies.length + settings.length > 0) this.#stale = true
    this.#revision = changes.revision
  }

  #of(org: string): Mutable {
    let rows = this.#rows.get(org)
    if (rows === undefined) this.#rows.set(org, (rows = { providers: new Map(), aliases: new Map(), deployments: new Map(), routing: new Map(), settings: null }))
    return rows
  }

  #publishSnapshot(): void {
    if (!this.#stale) return
    const { resolving, post, file, clock, log, listOf, follow } = this.#settings
    this.#version = Math.max(this.#version + 1, clock.epochMs())
    const { snapshot, problems } = snapshotData(this.#version, this.#rows, resolving, file())
    for (const [org, found] of problems) {
      const of = snapshot.settings.soleOrg === null ? ` (organisation ${org})` : ''
      for (const problem of found) if (!this.problemsOf(org).includes(problem)) log.warn(`${problem}${of}`)
    }
    this.#problems = problems
    const asked = snapshot.organisations.map(({ id, providers }) => ({ id, providers: providers.map(withCommon) }))
    this.#published = new Map(asked.map(({ id, providers }) => [id, new Map(providers.map((provider) => [provider.id, provider]))]))
    this.#stale = false
    // Where teams alone have credentials nobody asks the vendor in the organisation's name.
    follow(asked.map(({ id, providers }, index) => ({ id, providers: providers.filter(({ credentials }, at) => credentials.length > 0 || snapshot.organisations[index]!.providers[at]!.credentials.length === 0) })))
    for (const organisation of snapshot.organisations) organisation.lists = organisation.providers.flatMap((provider) => listOf(organisation.id, provider) ?? [])
    post({ kind: 'snapshot', snapshot })
  }

  #postKeys(entries: KeyEntry[], last: boolean): void {
    const { post } = this.#settings
    const batches = batched(entries)
    const completes = last && !this.#loaded
    if (completes && batches.length === 0) batches.push([])
    for (const [index, batch] of batches.entries()) post({ kind: 'keys', entries: batch, complete: completes && index === batches.length - 1 })
    if (last) this.#loaded = true
  }

  #entries({ keys }: Changes): KeyEntry[] {
    return [...keys.map(keyEntry), ...this.#loansOf(keys, this.#settings.clock.epochMs())]
  }

  /** A change of a key reaches the credentials that act as it. */
  #loansOf(keys: ApiKey[], now: number): KeyEntry[] {
    const changed = new Map(keys.map((key) => [key.id, key]))
    const entries: KeyEntry[] = []
    for (const [name, loan] of this.#loans) {
      const key = changed.get(loan.key.id)
      if (key !== undefined) {
        loan.key = key
        entries.push(this.#loanEntry(loan))
      }
      if (loan.expiresAt <= now) this.#loans.delete(name)
    }
    return entries
  }

  #loanEntry({ key, hash, expiresAt }: Loan): KeyEntry {
    const entry = keyEntry(key)
    return { ...entry, hash, previous: null, expiresAt: Math.min(expiresAt, entry.expiresAt ?? Infinity) }
  }
}

/**
 * Looks at the feed of the configuration from time to time, where the operator switched that on. Nodes share one turn through the
 * database; a failure is tried again after growing pauses and changes nothing.
 */
import { FeedError } from '../../catalog/strict-json.ts'
import type { Config } from '../../config.ts'
import { catalogState, claimCheck, noteCheck } from '../../store/catalog.ts'
import type { CatalogKeeper } from './keeper.ts'
import { update } from './update.ts'

const lookMs = 60_000
const firstPauseMs = 5 * 60_000
const hourMs = 3_600_000

interface ScheduleSettings {
  keeper: CatalogKeeper
  config: () => Pick<Config, 'catalog'> | null
  fetch: (address: string) => Promise<string>
  /** Hands on what changed. */
  publish: () => Promise<void>
  log: { info(message: string): void; warn(message: string): void }
}

/** Time between looks: the operator's, after failures a shorter one that doubles. */
export const pauseMs = (everyHours: number, failures: number): number =>
  failures === 0 ? everyHours * hourMs : Math.min(everyHours * hourMs, firstPauseMs * 2 ** Math.min(failures - 1, 20))

export class FeedSchedule {
  readonly #settings: ScheduleSettings
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(settings: ScheduleSettings) {
    this.#settings = settings
  }

  start(): void {
    this.#timer = setInterval(() => { this.#running = this.#running.then(() => this.look()) }, lookMs)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.#running
  }

  /** Asks the feed if it is time to. Never rejects. */
  async look(): Promise<void> {
    const { keeper, config, fetch, publish, log } = this.#settings
    const feed = config()?.catalog
    if (feed === undefined || feed.url === null) return
    const { database, clock } = keeper.updating
    try {
      const { failures } = await catalogState(database)
      const at = clock.epochMs() * 1000
      if (!await claimCheck(database, at, at - pauseMs(feed.everyHours, failures) * 1000)) return
      const error = await this.#ask(feed.url, fetch)
      await noteCheck(database, at, error)
      if (error !== null) log.warn(`The feed of the catalogue changed nothing: ${error}`)
      await keeper.refresh()
      await publish()
    } catch (error) {
      log.warn(`The feed of the catalogue could not be looked at: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Why it failed, or null. */
  async #ask(url: string, fetch: ScheduleSettings['fetch']): Promise<string | null> {
    const { keeper, log } = this.#settings
    try {
      const { record, held, newHeld } = await update(keeper.updating, await fetch(url), { source: url, by: 'the schedule' })
      if (record !== null) log.info(`The catalogue ${record.version} from ${url} is in force.`)
      if (newHeld > 0) log.warn(`${newHeld} changes of the catalogue are held back for review (${held.length} in all): megarouter catalog changes`)
      return null
    } catch (error) {
      if (!(error instanceof FeedError)) throw error
      return error.message
    }
  }
}

/**
 * Assembles the control plane: database, configuration, publishing, admin API and console, simulated provider. The worker thread
 * runs it; tests run it in their own thread. It rejects with a text for the operator when it cannot start.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { builtIn } from '../catalog/load.ts'
import { vendorIdsOf } from '../catalog/sources.ts'
import { systemAfter, systemClock, type Clock } from '../clock.ts'
import { environment, serverSettings, type Config } from '../config.ts'
import { idIn, identityOf } from '../gateway/snapshot.ts'
import { vendors } from '../providers/index.ts'
import { startSimulated, type Simulated } from '../simulated/server.ts'
import { audited, recordDenial } from '../store/audit.ts'
import { DenialLog, type Denial } from '../store/audit-denials.ts'
import { ContentStore } from '../store/content.ts'
import { openDatabase, transaction, type Database, type DatabaseSettings, type Write } from '../store/database.ts'
import { newId } from '../store/ids.ts'
import { bindMasterKeys, followMasterKeys } from '../store/installation.ts'
import { loadMasterKeys, type MasterKeys } from '../store/master-key.ts'
import { adoptOwners } from '../store/memberships.ts'
import { isTransient } from '../store/save.ts'
import { ensureOrganisation, type Organisation } from '../store/users.ts'
import type { FromControl, ToControl, WorkerSettings } from '../threads/messages.ts'
import { version } from '../version.ts'
import { AlertDesk } from './alerts/desk.ts'
import { createApp } from './app.ts'
import { fetchFeed } from './catalog/fetch.ts'
import { CatalogKeeper } from './catalog/keeper.ts'
import { FeedSchedule } from './catalog/schedule.ts'
import type { RoutePolicy } from './authorize.ts'
import { ConfigFile } from './config-file.ts'
import { Identity, minimumAdminToken } from './identity.ts'
import { linkMailer, smtpFrom } from './identity/mail.ts'
import type { PasswordCost } from './identity/password.ts'
import { closeServer, listenOnPort, listenOnSocket, socketPathIn, type Handler } from './listen.ts'
import { LiveEvents } from './live-events.ts'
import { ListWatch } from './models/list-watch.ts'
import { listData } from './models/listing.ts'
import { askProvider, type Ask } from './providers/ask.ts'
import { Checks } from './providers/check.ts'
import { PlaneQuestions } from './plane-questions.ts'
import { Publisher } from './publish.ts'
import { Rights } from './rights.ts'
import { reconcileAll } from './config/plan.ts'
import { actingByFile, type Reconciling } from './reconcile.ts'
import { simulatedRule } from './reconcile/providers.ts'
import type { Health, Services, Troubles } from './services.ts'
import type { Variables } from './vendor-environment.ts'

const reopenMs = 1_000
const closeGraceMs = 2_000
const denialFlushMs = 10_000
const bootstrapFile = 'bootstrap-token'
const builtConsole = fileURLToPath(new URL('../../console/dist', import.meta.url))

interface Log {
  info(message: string): void
  warn(message: string): void
  error(details: object, message: string): void
}

export interface ControlSettings extends WorkerSettings {
  variables: Variables
  post: (message: FromControl) => void
  log: Log
  clock?: Clock
  passwordCost?: PasswordCost
  console?: string
  /** How vendors are asked for their models, and about credentials. */
  ask?: Ask
}

export interface Control {
  services: Services
  /** Every route with its policy. */
  routes: readonly RoutePolicy[]
  socketPath: string
  receive(message: ToControl): void
  stop(): Promise<void>
}

const isOff = (text: string | undefined): boolean => ['off', 'false', '0'].includes(text ?? '')

function adminToken(variables: Variables, log: Log): string | null {
  const token = variables['MEGAROUTER_ADMIN_TOKEN']
  if (!token) return null
  if (token.length >= minimumAdminToken) return token
  log.warn(`MEGAROUTER_ADMIN_TOKEN has fewer than ${minimumAdminToken} characters and is not accepted. Make one with: openssl rand -hex 32`)
  return null
}

/** A database that is not up yet is waited for; one that refuses us is an error. */
async function openPatiently(settings: DatabaseSettings, log: Log): Promise<Database> {
  for (;;) {
    try {
      return await openDatabase(settings)
    } catch (error) {
      if (!isTransient(error)) throw error
      log.error({ err: error }, 'the database does not answer; trying again')
      await sleep(reopenMs)
    }
  }
}

const fileLimits = (config: Config | null) => ({ deadlines: config?.settings.deadlines ?? {}, requestBodyBytes: config?.settings.requestBodyBytes ?? null })

/** The organisation that operates the installation; owners that an older version made meanwhile have their membership then. */
async function operatorOf(write: Write, masterKeys: MasterKeys, clock: Clock): Promise<Organisation> {
  await bindMasterKeys(write, masterKeys, { server: true })
  const organisation = await ensureOrganisation(write, randomBytes(16))
  await adoptOwners(write, () => newId('mem', clock.epochMs(), randomBytes(16)))
  return organisation
}

async function startServices(settings: ControlSettings, simulatedSocket: string): Promise<Services & { denials: DenialLog; simulatedServer: Simulated | null; question: PlaneQuestions; desk: AlertDesk; setHealth: (message: Extract<ToControl, { kind: 'health' }>) => void }> {
  const { databaseUrl, dataDir, configFile, variables, post, log, clock = systemClock, ask = askProvider } = settings
  const masterKeys = loadMasterKeys({ value: variables['MEGAROUTER_MASTER_KEY'], previous: variables['MEGAROUTER_PREVIOUS_MASTER_KEYS'], databaseUrl, dataDir })
  const kek = masterKeys.kek()
  const database = await openPatiently({ databaseUrl, dataDir }, log)
  const at = (): number => clock.epochMs() * 1000
  const organisation = await transaction(database, at(), (write) => operatorOf(write, masterKeys, clock))
  const simulated = simulatedRule(variables['MEGAROUTER_SIMULATED'])
  const simulatedServer = simulated === 'off' ? null : await startSimulated({ socketPath: simulatedSocket })
  const resolving = { vendors, variables, kek, simulatedSocket: simulatedServer === null ? null : simulatedSocket }
  const reconciling: Omit<Reconciling, 'record'> = { vendors, variables, kek, pepper: masterKeys.pepper(), org: organisation.id, random: randomBytes, simulated, operates: true, permit: null }

  let problems: readonly string[] = []
  let health: Health = []
  let troubles: Troubles = []
  let queue: { queued: number | null; dropped: number | null } = { queued: null, dropped: null }
  const config: ConfigFile = new ConfigFile({
    path: configFile, variables, vendors: [...vendors.keys()], clock, log,
    async apply(next) {
      ({ problems } = await audited(database, at(), actingByFile(organisation.id, next), (write, record) => reconcileAll(write, next, { ...reconciling, record })))
      for (const problem of problems) log.warn(problem)
      publisher.invalidate()
    },
  })
  const desk = new AlertDesk({ database, clock, after: systemAfter, random: randomBytes, kek, log })
  const rights = new Rights({ operator: organisation.id, epochMs: () => clock.epochMs(), log })
  const { denials, denied } = denialLog(database, clock, log)
  const identity = newIdentity(settings, { database, clock, rights, denied, masterKeys })
  const keeper = new CatalogKeeper({ updating: { database, clock, random: randomBytes, builtIn: builtIn(), vendorIds: vendorIdsOf(vendors.values()) }, post, log })
  const checks = new Checks()
  const lists = new ListWatch({
    ask, checks, clock, log, random: Math.random, automatic: !isOff(variables['MEGAROUTER_MODEL_LISTS']),
    async changed() {
      publisher.invalidate()
      await publisher.refresh().catch((error: unknown) => log.error({ err: error }, 'a list of models could not be published yet'))
    },
  })
  const publisher: Publisher = new Publisher({
    database, clock, resolving, post, log, file: () => fileLimits(config.config), configError: () => config.state.error,
    listOf: (org, provider) => listData({ lists, catalog: keeper.catalog, publisher }, org, provider), follow: (organisations) => lists.follow(organisations), catalog: keeper,
    govern: (changes) => { rights.apply(changes); identity.apply(changes); desk.adopt(changes.governance.channels) },
    masterKeys: () => followMasterKeys(database, masterKeys),
  })
  await config.start()
  await keeper.start()
  await publisher.start()
  lists.start()

  const schedule = new FeedSchedule({ keeper, config: () => config.config, fetch: (address) => fetchFeed(address, { guarded: false }), publish: () => publisher.refresh(), log })
  schedule.start()
  const question = new PlaneQuestions(post)
  const events = new LiveEvents(database, () => clock.epochMs(), () => ({ database_up: publisher.databaseUp, queued: queue.queued, config_error: config.state.error }))
  return {
    database, clock, identity, rights, denials, denied, publisher, config, events, vendors, variables, simulated, kek, simulatedServer,
    random: randomBytes, keeper, schedule, get catalog() { return keeper.catalog }, ask, checks, lists, contents: new ContentStore(database, masterKeys.kek('content')), pepper: masterKeys.pepper(),
    question, held: () => question.held(), desk, health: (org) => health.flatMap((each) => (each.id.startsWith(identityOf(org, '')) ? [{ ...each, id: idIn(each.id) }] : [])), troubles: () => troubles, queue: () => queue, problems: () => [...problems, ...keeper.problems],
    about: { version, node: hostname(), startedAt: clock.epochMs() },
    setHealth(message) {
      health = message.deployments
      troubles = message.credentials
      queue = { queued: message.queued ?? null, dropped: message.dropped ?? null }
    },
  }
}

function newIdentity({ variables, dataDir, log, passwordCost }: ControlSettings, { database, clock, rights, denied, masterKeys }: Pick<Services, 'database' | 'clock' | 'rights' | 'denied'> & { masterKeys: MasterKeys }): Identity {
  const read = environment(variables)
  const { publicUrl, oidcIssuers } = read.ok ? read.environment : { publicUrl: null, oidcIssuers: [] } // the main thread refuses to start with wrong settings
  const kek = masterKeys.kek()
  // Details of a log-in that failed are for the operator's log; nothing of a token is among them.
  const told = { warn: (details: object, message: string): void => log.warn(`${message}: ${JSON.stringify(details)}`), error: (details: object, message: string): void => log.error(details, message) }
  return new Identity({
    database, clock, rights, denied, kek, publicUrl, allowedIssuers: oidcIssuers, log: told, adminToken: adminToken(variables, log), pepper: masterKeys.pepper(), stateKey: masterKeys.stateKey(),
    mailer: linkMailer({ smtpOf: smtpFrom(database, kek, told), log: told }), claimed: () => rmSync(join(dataDir, bootstrapFile), { force: true }), ...(passwordCost && { cost: passwordCost }),
  })
}

function denialLog(database: Database, clock: Clock, log: Log): { denials: DenialLog; denied: (denial: Denial) => Promise<void> } {
  const denials = new DenialLog(({ acting, event }) => recordDenial(database, clock.epochMs() * 1000, acting, event), () => clock.epochMs())
  const unwritten = (error: unknown): void => log.error({ err: error }, 'a denial could not be written to the audit log yet')
  return { denials, denied: (denial) => denials.add(denial).catch(unwritten) }
}

/** Prints nothing: the token goes to the main thread, which prints it, and to a file that only this user can read. */
async function offerBootstrap({ identity }: Services, dataDir: string, post: ControlSettings['post']): Promise<void> {
  const file = join(dataDir, bootstrapFile)
  rmSync(file, { force: true })
  const token = await identity.offerBootstrap()
  if (token === null) return
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
  post({ kind: 'bootstrap', token, file })
}

/** Null without MEGAROUTER_ADMIN_PORT (or `server.admin_port`). */
async function listenOnAdminPort(handler: Handler, variables: Variables, config: Config | null): Promise<Server | null> {
  const read = environment(variables)
  if (!read.ok) return null // the main thread refuses to start with such settings
  const { host, adminPort, tls } = config === null
    ? { host: read.environment.host ?? '127.0.0.1', adminPort: read.environment.adminPort, tls: null }
    : serverSettings(read.environment, config)
  if (adminPort === null) return null
  return listenOnPort(handler, { host, port: adminPort, tls: tls === null ? null : { cert: readFileSync(tls.cert), key: readFileSync(tls.key) } })
}

export async function startControl(settings: ControlSettings): Promise<Control> {
  const { dataDir, variables, post, log } = settings
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const socketPath = socketPathIn(dataDir, process.pid)
  const services = await startServices(settings, socketPathIn(dataDir, process.pid, 'simulated'))
  const app = createApp({ services, console: settings.console ?? builtConsole, log })
  const front = await listenOnSocket(app.handler, socketPath)
  const port = await listenOnAdminPort(app.handler, variables, services.config.config)
  await offerBootstrap(services, dataDir, post)
  const flushing = setInterval(() => void services.denials.flush().catch((error: unknown) => log.error({ err: error }, 'denials could not be written to the audit log yet')), denialFlushMs)
  post({ kind: 'listening', socketPath, adminPort: port === null ? null : (port.address() as AddressInfo).port })

  return {
    services,
    routes: app.routes,
    socketPath,
    receive(message) {
      if (message.kind === 'health') services.setHealth(message)
      if (message.kind === 'holds' || message.kind === 'effective' || message.kind === 'explain' || message.kind === 'routing' || message.kind === 'emptyCache') services.question.answered(message)
      if (message.kind === 'news') services.desk.tell(message.news)
      if (message.kind === 'reload') void services.config.reload().then(() => services.publisher.refresh()).catch((error: unknown) => log.error({ err: error }, 'the reload could not be published yet'))
    },
    async stop() {
      services.events.close()
      await services.desk.close()
      await services.identity.links.idle()
      await services.lists.stop()
      await services.schedule.stop()
      await services.config.stop()
      await Promise.all([front, port].map((server) => server && closeServer(server, closeGraceMs)))
      clearInterval(flushing)
      await services.denials.flush({ all: true }).catch((error: unknown) => log.error({ err: error }, 'denials could not be written to the audit log'))
      await services.publisher.stop()
      await services.simulatedServer?.close()
      await services.database.close()
    },
  }
}

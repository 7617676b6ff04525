/** Every bound of the data plane in one place, so that an operator can see what protects the process. Units stand last in the names. */
export const limits = {
  /** Largest JSON request body, in bytes. A key can lower or raise it. */
  requestBodyBytes: 20 * 1024 * 1024,
  /** Bytes of request bodies held by all requests together; beyond it new bodies are refused with 503. */
  inFlightBodyBytes: 512 * 1024 * 1024,
  /** A form with files, in bytes; how much of one waits in memory; its parts, the headers of one, and all plain fields; all files of the spool. */
  formBytes: 512 * 1024 * 1024,
  formMemoryBytes: 256 * 1024,
  formParts: 100,
  formHeaderBytes: 8 * 1024,
  formFieldBytes: 1024 * 1024,
  spoolBytes: 8 * 1024 * 1024 * 1024,
  /** Silence of a client that sends a form, and the time for all of it. */
  formIdleMs: 60_000,
  formTimeoutMs: 900_000,
  /** Nesting depth of a JSON body: deeper recursion can end a Node process uncatchably (CVE-2025-59466). */
  jsonDepth: 64,
  /** Object members in one JSON body. */
  jsonKeys: 100_000,
  /** Largest non-stream answer that is buffered for metering, in bytes. */
  responseBodyBytes: 64 * 1024 * 1024,
  /** Largest upstream error body that is kept, in bytes. */
  errorBodyBytes: 256 * 1024,
  /** Bytes of one server-sent event that the usage scanner keeps; longer events are forwarded unread. */
  eventScanBytes: 256 * 1024,
  /** The same for a stream that is translated: a longer event breaks it, in bytes. */
  translatedEventBytes: 32 * 1024 * 1024,
  /** An event of this size cannot be the usage chunk, so it is no longer held back for removal, in bytes. */
  usageEventBytes: 16 * 1024,
  /** Bytes buffered towards one client before its upstream is paused. */
  streamBufferBytes: 256 * 1024,
  /** Bytes that one socket, of a client or of an upstream, holds before its peer is made to wait. */
  socketBufferBytes: 16 * 1024,
  /** A client that takes no byte for this long is cut and its stream settled. */
  clientStallMs: 60_000,
  /** A vendor that has said `[DONE]` has this long to end its answer, so that its connection can be used again. */
  lingerMs: 1_000,
  /** Time to receive request headers and to receive the body. */
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  /** Stream headers are committed after this time even without a meaningful frame. */
  commitAfterMs: 10_000,
  /** Silence towards the client after which a keep-alive comment is sent. */
  keepAliveMs: 15_000,
  /** The pre-commit window beyond the first token; 0: a stream is committed with it. */
  holdTokens: 0,
  holdMs: 0,
  /** The four deadlines of an attempt. */
  connectTimeoutMs: 10_000,
  firstTokenTimeoutMs: 120_000,
  idleTimeoutMs: 120_000,
  totalTimeoutMs: 900_000,
  /** Requests that run at once; interactive ones that wait for a place beyond that, and how long. */
  places: 10_000,
  waitingPlaces: 1_000,
  placeWaitMs: 2_000,
  /** Attempts of one request over all deployments. */
  attempts: 4,
  /** A retry-after beyond this is handed to the client instead of waited for. */
  retryAfterMs: 5_000,
  /** Further attempts, wherever they go, as a share of the requests of the last minute; the floor, per minute, where requests are few. */
  retryBudgetRatio: 0.1,
  retryBudgetFloor: 30,
  /** Concurrent drains of streams whose client left while the vendor keeps billing, and the time of one drain. */
  drains: 64,
  drainMs: 30_000,
  /** Time that a full disk gets to take the end of an attempt, before its answer is withheld. */
  endRefusedMs: 30_000,
  /** A hold that is open this much longer than an attempt may take belongs to one that a defect left open. */
  openHoldMs: 300_000,
  /** Answers kept for repeats of an `Idempotency-Key`: bytes of all of them, bytes of the largest one, and for how long. */
  replayBytes: 64 * 1024 * 1024,
  replayAnswerBytes: 8 * 1024 * 1024,
  replayMs: 24 * 3_600_000,
  /** Answers kept for the same request: bytes of all of them, of the largest one, of those being recorded, and of the largest request that is compared. */
  cacheBytes: 64 * 1024 * 1024,
  cacheAnswerBytes: 2 * 1024 * 1024,
  cacheRecordingBytes: 32 * 1024 * 1024,
  cacheRequestBytes: 512 * 1024,
  /** The longest time that an answer is kept, in seconds. */
  cacheTtlS: 30 * 86_400,
  /** Sockets per pool: one pool for each organisation, provider and credential. */
  upstreamConnections: 1024,
  /** Share of the memory that the process may use, above which new requests are shed. */
  memoryWatermark: 0.85,
  /** Grace for running streams after SIGTERM. */
  drainGraceMs: 600_000,
  /** Records waiting for the database before the oldest telemetry-only ones are dropped and readiness turns 503. */
  recordQueue: 200_000,
  /** Decisions of the router, and states of models and steps of their adoption, that wait for the database before the oldest are dropped, in bytes. */
  decisionQueueBytes: 64 * 1024 * 1024,
  armQueueBytes: 64 * 1024 * 1024,
  /** Body of a `POST /v1/feedback`, in bytes. */
  feedbackBytes: 16 * 1024,
  /** Ends of attempts that the journal has and the database has not, kept in memory, before new requests are refused: about half a gigabyte. */
  unappliedEnds: 1_000_000,
  /** Length of client-chosen labels (session, tag, user, client request id), in bytes. */
  labelBytes: 128,
  tags: 16,
  /** All tags of a request together, as JSON, in bytes: they are one indexed text of the database. */
  tagsBytes: 2_400,
  /** Name of a model that a client asks for, in bytes. */
  modelNameBytes: 256,
  /** Aliases may point to aliases at most this deep. */
  aliasDepth: 4,
} as const

export type Limits = { [K in keyof typeof limits]: number }

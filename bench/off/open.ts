/** A ledger that keeps nothing. */
const held = { heldNano: 0, openHolds: 0, oldestHoldMs: 0, byOrg: {}, oldestLsn: Infinity }

export const openLedger = () => Promise.resolve({
  journal: {
    lastLsn: 0, problem: null, canAdmit: () => true, tick(): void {}, syncSoon(): void {}, release(): void {}, close: (done: (error: null) => void) => done(null),
    tail: () => ({ segment: '', offset: 0, lsn: 0 }),
    stats: () => ({ bytes: 0, segments: 0, waiting: 0, lastSyncUs: 0, maxSyncUs: 0, progressLeftOut: 0 }),
  },
  ledger: { appliedLsn: 0, unapplied: 0, closed: null, alarms: {}, waitP99Us: 0, held: () => held, applied(): void {}, waited(): void {}, sweep(): void {}, findRepeat: () => null },
  tornTail: null, firstLsn: 1,
  recover: () => [].values(),
})

/** What an operator sees of the exact cache: gauges in `/metrics`. */
import type { Gateway } from '../gateway/pipeline.ts'

export function cacheGauges({ cache }: Pick<Gateway, 'cache'>): Record<string, number> {
  const { answers, bytes: cacheBytes, evicted } = cache.answers.held()
  return {
    megarouter_cache_hits_total: cache.hits, megarouter_cache_misses_total: cache.misses, megarouter_cache_kept_total: cache.kept, megarouter_cache_unfit_total: cache.unfit, megarouter_cache_failures_total: cache.failed, megarouter_cache_evictions_total: evicted,
    megarouter_cache_answers: answers, megarouter_cache_bytes: cacheBytes, megarouter_cache_recording_bytes: cache.recordingBytes, megarouter_cache_saved_usd_total: cache.savedNano / 1e9,
  }
}

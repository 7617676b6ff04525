/** What translation costs: CPU of a chunk of a translated stream beside a chunk of the same stream that passes, for each pair of wire formats. */
import { clientFormats, startFormatStreams, vendorFormats } from '../format-streams.ts'
import { median } from '../load.ts'
import type { Measure, Row } from '../proof.ts'

const windows = 3
const most = 1.6

export const measure: Measure = async () => {
  const bench = await startFormatStreams()
  try {
    const rows: Row[] = []
    // All code is compiled before the first is measured.
    for (const vendor of vendorFormats) for (const client of clientFormats) await bench.window(vendor, client)
    for (const vendor of vendorFormats) {
      const costs = new Map<string, number[]>(clientFormats.map((client) => [client, []]))
      // By turns, so that a drift of the machine hits all.
      for (let i = 0; i < windows; i++) {
        for (const [client, us] of costs) {
          us.push(await bench.window(vendor, client))
        }
      }
      const passed = median(costs.get(vendor)!)
      rows.push({ what: `Stream of ${vendor} that passes, CPU per chunk`, value: passed, unit: 'µs' })
      for (const [client, us] of costs) {
        if (client === vendor) continue
        const ratio = median(us) / passed
        rows.push({ what: `Translated to ${client}`, value: ratio, unit: 'times that', target: `≤ ${most}`, met: ratio <= most })
      }
    }
    return {
      title: 'What translation costs',
      claim: 'A chunk of a stream that is translated costs little more than one that passes.',
      method: `The data plane in a process of its own on processor 0; vendors of every format and clients on processor 1. 100 streams at once, an event with a word each 20 ms; once all flow, CPU of all threads of the gateway by the kernel's accounting, divided by the events that vendors sent. Windows of 1 s by turns, median of ${windows}.`,
      rows,
    }
  } finally {
    bench.close()
  }
}

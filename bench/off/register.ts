/** Loaded with `--import`: the gateway without budgets, limits, ledger and journal, to measure what these cost. For measurements only. */
import { registerHooks } from 'node:module'

const replaced = new Map([['/src/governance/admission.ts', './admission.ts'], ['/src/ledger/open.ts', './open.ts']])

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    for (const [ending, stub] of replaced) if (found.url.endsWith(ending)) return { ...found, url: new URL(stub, import.meta.url).href }
    return found
  },
})

/** The console in a real browser: from the one-time token to the first request, and every page in both themes and three widths. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Console',
  claim: 'Somebody new gets from the printed address to a first request that appears live, and every page is accessible in both themes, on a desk and on a phone.',
  method: 'Chromium against a gateway process: set-up with the bootstrap token, simulated provider, first key, first request; then each page in light and dark at 1440, 1024 and 390 px: axe, console errors, content security policy, sideways scroll.',
  rows: await runTests(['test/browser/onboarding.test.ts', 'test/browser/pages.test.ts'], signal),
})

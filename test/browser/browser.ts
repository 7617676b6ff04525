/** A browser for the tests, and a page that collects what must not happen: console errors and breaches of the content security policy. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

export const themes = ['light', 'dark'] as const
export const sizes = { desktop: { width: 1440, height: 900 }, tablet: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } } as const

/** The operator's own browser, or Debian's. Undefined where there is none: the tests are skipped then, and say so. */
export const browserPath = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => path !== undefined && existsSync(path))

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

export interface Opened {
  page: Page
  /** Errors since the last call. */ problems: () => string[]
  close: () => Promise<void>
}
interface View {
  size?: keyof typeof sizes
  theme?: (typeof themes)[number]
  /** A failed request that the test itself provokes. */ expected?: RegExp
}

export async function open(browser: Browser, { size = 'desktop', theme = 'light', expected }: View = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme: theme, timezoneId: 'Europe/Berlin', locale: 'en-GB', reducedMotion: 'reduce' })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  let found: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected?.test(message.text())) found.push(message.text())
  })
  page.on('pageerror', (error) => found.push(`${error.message}\n${error.stack ?? ''}`))
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1|http:\/\/localhost|data:|blob:)/.test(request.url())) found.push(`remote request: ${request.url()}`)
  })
  return {
    page,
    problems: () => {
      const now = found
      found = []
      return now
    },
    close: () => context.close(),
  }
}

/** Waits until nothing is loading and nothing moves. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('main')
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
  await page.evaluate('document.fonts.ready.then(() => true)')
}

/** Asks again until it holds. Playwright's own polling of an expression would need `unsafe-eval`, which the console's policy refuses. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`It never came to this: ${what}`)
}

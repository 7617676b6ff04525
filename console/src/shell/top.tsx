/** The top bar: where am I, is what I see live, docs, theme; below it the strips that must not be missed. */
import { Link } from '@tanstack/react-router'
import { ChevronRight, CircleHelp, FlaskConical, SunMoon, WifiOff } from 'lucide-react'
import { Fragment, type ReactNode, useEffect, useState } from 'react'
import { clockTime } from '../format.ts'
import { useLive } from '../live.ts'
import { useSimulatedOnly, useZone } from '../queries.ts'
import { Button, link } from '../ui/button.tsx'
import { Dot } from '../ui/pill.tsx'
import { Mark } from './mark.tsx'
import { toggleTheme } from './theme.ts'

function LiveSign() {
  const live = useLive()
  const zone = useZone()
  const time = clockTime(new Date(live.heard).toISOString(), zone)
  const zoneName = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'short' })
    .formatToParts(live.heard)
    .find((part) => part.type === 'timeZoneName')?.value
  if (live.phase === 'none') return null
  return (
    <span role="status" className="num inline-flex items-center gap-1.5 text-12 whitespace-nowrap text-fg-2">
      {live.phase === 'lost' ? (
        <>
          <Dot tone="warn" />
          Reconnecting<span className="text-warn-fg max-md:hidden">data to {time}</span>
        </>
      ) : (
        <>
          <Dot tone={live.phase === 'live' ? 'ok' : 'idle'} />
          {live.phase === 'live' ? 'Live' : 'Connecting'}
          <span aria-hidden className="text-fg-3 max-md:hidden">
            · {time} {zoneName}
          </span>
        </>
      )}
    </span>
  )
}

export function TopBar({ crumbs, children }: { crumbs: { name: string; to?: '/requests' | '/routing/decisions' }[]; children?: ReactNode }) {
  return (
    <header className="sticky top-0 z-10 flex h-12 items-center gap-2.5 border-b border-line bg-bg px-6 max-md:px-3">
      <Link to="/" aria-label="Overview" className="hidden max-md:inline-flex">
        <Mark />
      </Link>
      <div className="flex min-w-0 items-center gap-1.5 whitespace-nowrap text-fg-3">
        {crumbs.map(({ name, to }, index) => (
          <Fragment key={name}>
            {index > 0 && <ChevronRight className="size-3.5 flex-none" aria-hidden />}
            {to ? (
              <Link to={to} className="hover:text-fg">
                {name}
              </Link>
            ) : (
              <b className="truncate font-medium text-fg">{name}</b>
            )}
          </Fragment>
        ))}
      </div>
      <div className="ml-auto flex items-center gap-2.5">
        {children}
        <LiveSign />
        <span aria-hidden className="h-4 w-px bg-line-2 max-md:hidden" />
        <a href="/api/docs" className="inline-flex items-center gap-1.5 rounded-1 text-12 text-fg-2 hover:text-fg max-md:hidden">
          <CircleHelp className="size-3.5" aria-hidden />
          Docs
        </a>
        <span className="max-md:hidden">
          <Button look="ghost" size="icon" aria-label="Switch theme" onClick={toggleTheme}>
            <SunMoon className="size-4" strokeWidth={1.75} aria-hidden />
          </Button>
        </span>
      </div>
    </header>
  )
}

const strip = 'num flex items-center gap-2 border-b border-line px-6 py-1.5 text-12 max-md:px-3'

/** Only the simulated provider is on: said on every page, all the time. */
export function SimulatedStrip() {
  if (!useSimulatedOnly()) return null
  return (
    <section aria-label="Simulated" className={`${strip} bg-warn-bg text-warn-fg`}>
      <FlaskConical className="size-3.5 flex-none" aria-hidden />
      <span>
        <b className="font-semibold">Simulated.</b> Answers, prices and delays are invented; no provider is called.{' '}
        <Link to="/providers" search={{ add: 'true' }} className="font-medium underline underline-offset-3">
          Add a provider
        </Link>
      </span>
    </section>
  )
}
/** After a minute without a sign of life, the page says so across its width. */
export function LostStrip() {
  const live = useLive()
  const zone = useZone()
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5_000)
    return () => clearInterval(timer)
  }, [])
  if (live.phase !== 'lost' || now - live.heard < 60_000) return null
  const time = clockTime(new Date(live.heard).toISOString(), zone)
  return (
    <div role="status" className={`${strip} bg-warn-bg text-warn-fg`}>
      <WifiOff className="size-3.5 flex-none" aria-hidden />
      Live updates stopped at {time}. The console keeps trying. Figures are as of then.{' '}
      <button type="button" className={link} onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  )
}

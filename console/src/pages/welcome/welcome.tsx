/** Get one request through: four steps on one page, the present one open. What is done is read from the gateway, not remembered. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Check, SunMoon } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import type { Key } from '../../api-types.ts'
import { moneySummary, plural } from '../../format.ts'
import { queries } from '../../queries.ts'
import { Mark } from '../../shell/mark.tsx'
import { toggleTheme } from '../../shell/theme.ts'
import { Button, link } from '../../ui/button.tsx'
import { KeyStep } from './key-step.tsx'
import { OwnerStep } from './owner-step.tsx'
import { ProvidersStep } from './providers-step.tsx'
import { RequestStep } from './request-step.tsx'

type Step = 'owner' | 'providers' | 'key' | 'request'
const order: Step[] = ['owner', 'providers', 'key', 'request']
const joined = (names: string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`)

function useSummaries(signedIn: boolean, key: Key | undefined): Record<Step, string> {
  const session = useQuery({ ...queries.session, enabled: signedIn })
  const providers = useQuery({ ...queries.providers, enabled: signedIn })
  const on = providers.data?.data.filter((provider) => provider.enabled) ?? []
  const models = on.reduce((sum, provider) => sum + provider.models_count, 0)
  return {
    owner: session.data?.user.email ?? 'The first person, who may do everything',
    providers: on.length ? `${joined(on.map((provider) => provider.name))}, ${plural(models, 'model')}` : 'Where the models come from',
    key: key ? `${key.name}${key.budget ? `, ${moneySummary(key.budget.limit_nano)} a ${key.budget.period}` : ''}` : 'What your application sends',
    request: 'From any SDK or tool you use',
  }
}
const names: Record<Step, string> = { owner: 'Owner', providers: 'Providers', key: 'First key', request: 'First request' }

function Steps({ current, summaries, signedIn }: { current: Step; summaries: Record<Step, string>; signedIn: boolean }) {
  const at = order.indexOf(current)
  return (
    <aside aria-label="Steps">
      <div className="mb-3 text-12 font-medium text-fg-3">Set up, {at} of 4 done</div>
      <ol className="md:grid max-md:flex max-md:gap-2">
        {order.map((step, index) => {
          const done = index < at
          const number = (
            <span
              className={`grid size-6 flex-none place-items-center rounded-full text-12 font-semibold ${done ? 'bg-ok-bg text-ok-fg' : index === at ? 'bg-ink text-on-ink' : 'bg-idle text-idle-fg'}`}
            >
              {done ? <Check className="size-3.5" aria-label="done" /> : index + 1}
            </span>
          )
          return (
            <li
              key={step}
              aria-current={index === at ? 'step' : undefined}
              className={`relative flex gap-3 pb-5 max-md:flex-1 max-md:items-center max-md:gap-2 max-md:pb-0 ${index < 3 ? `md:before:absolute md:before:top-[26px] md:before:bottom-0.5 md:before:left-[11px] md:before:w-0.5 ${done ? 'md:before:bg-ok' : 'md:before:bg-line-2'}` : ''}`}
            >
              {number}
              <div className={`min-w-0 ${index === at ? '' : 'max-md:sr-only'}`}>
                {done && index > 0 && signedIn ? (
                  <Link to="/welcome" search={{ step }} className="rounded-1 font-medium hover:underline">
                    {names[step]}
                  </Link>
                ) : (
                  <div className="font-medium">{names[step]}</div>
                )}
                <div className="mt-px text-12 text-fg-3 max-md:sr-only">{summaries[step]}</div>
              </div>
            </li>
          )
        })}
      </ol>
      {signedIn && (
        <div className="mt-0.5 grid justify-items-start gap-1.5 border-t border-line pt-3.5 text-12 max-md:hidden">
          <div className="font-medium text-fg-3">Later, when you like</div>
          <Link to="/routing" className={link}>
            Name an alias for your models
          </Link>
          <Link to="/playground" className={link}>
            Compare models in the playground
          </Link>
          <a href="/api/docs" className={link}>
            Automate with the admin API
          </a>
        </div>
      )}
    </aside>
  )
}

function Frame({ signedIn, children }: { signedIn: boolean; children: ReactNode }) {
  const { data } = useQuery(queries.setup)
  return (
    <div className="min-h-dvh">
      <header className="sticky top-0 z-10 flex h-12 items-center gap-2.5 border-b border-line bg-bg px-6 max-md:px-3">
        <Mark />
        <b className="font-medium">MegaRouter</b>
        <div className="ml-auto flex items-center gap-2 text-12">
          <span className="text-fg-3 max-md:hidden">{[data?.organisation?.name, data && `v${data.version}`].filter(Boolean).join(', ')}</span>
          {signedIn && (
            <Link to="/" className={link}>
              Skip to the console
            </Link>
          )}
          <Button look="ghost" size="icon" aria-label="Switch theme" onClick={toggleTheme}>
            <SunMoon className="size-4" strokeWidth={1.75} aria-hidden />
          </Button>
        </div>
      </header>
      <main id="main" className="mx-auto max-w-[1080px] px-6 pt-9 pb-12 max-md:px-3 max-md:pt-4">
        <div className="grid gap-12 max-md:gap-5 md:grid-cols-[200px_minmax(0,1fr)] lg:grid-cols-[248px_minmax(0,1fr)]">{children}</div>
      </main>
    </div>
  )
}

export function Welcome() {
  const navigate = useNavigate()
  const search = useSearch({ from: '/welcome' })
  const { data: setup } = useQuery(queries.setup)
  const [made, setMade] = useState<{ key: Key; secret: string } | null>(null)
  const claimed = setup?.claimed === true
  const keys = useQuery({ ...queries.keys, enabled: claimed })
  const key = made?.key ?? keys.data?.data.find((candidate) => candidate.id === search.key)
  const asked = order.find((step) => step === search.step) ?? 'providers'
  const current: Step = !claimed ? 'owner' : asked === 'owner' ? 'providers' : asked === 'request' && !key ? 'key' : asked
  const summaries = useSummaries(claimed, key)
  useEffect(() => {
    document.title = 'Get started · MegaRouter'
  }, [])
  const go = (step: Step, id?: string) => void navigate({ to: '/welcome', search: { step, ...(id ? { key: id } : {}) } })
  return (
    <Frame signedIn={claimed}>
      <Steps current={current} summaries={summaries} signedIn={claimed} />
      <div key={current} className="rise min-w-0">
        {current === 'owner' && <OwnerStep onDone={() => go('providers')} />}
        {current === 'providers' && <ProvidersStep onDone={() => go('key')} />}
        {current === 'key' && (
          <KeyStep
            onDone={(created, secret) => {
              setMade({ key: created, secret })
              go('request', created.id)
            }}
          />
        )}
        {current === 'request' && key && <RequestStep keyRow={key} secret={made?.secret ?? null} onNewKey={() => go('key')} />}
      </div>
    </Frame>
  )
}

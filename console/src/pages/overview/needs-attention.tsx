import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { CircleCheck, CircleDollarSign, Database, FileWarning, FlaskConical, KeyRound, type LucideIcon, Plug, TriangleAlert } from 'lucide-react'
import type { Measures } from '../../api-types.ts'
import { queries, useSimulatedOnly } from '../../queries.ts'
import { useKeys } from '../../shell/shortcuts.ts'
import { link } from '../../ui/button.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { type Attention, attention } from './attention.ts'

const icons: Record<Attention['icon'], LucideIcon> = {
  alert: TriangleAlert,
  money: CircleDollarSign,
  plug: Plug,
  key: KeyRound,
  database: Database,
  file: FileWarning,
  simulated: FlaskConical,
}
const colours = { bad: 'text-bad', warn: 'text-warn', accent: 'text-accent' }

export function NeedsAttention({ day, className }: { day: Measures | undefined; className: string }) {
  const navigate = useNavigate()
  const providers = useQuery(queries.providers)
  const keys = useQuery(queries.keys)
  const status = useQuery(queries.status)
  const settings = useQuery(queries.settings)
  const simulated = useSimulatedOnly()
  const items = attention({
    now: Date.now(),
    day,
    providers: providers.data?.data ?? [],
    keys: keys.data?.data ?? [],
    organisation: settings.data,
    status: status.data,
    simulated,
  })
  useKeys(Object.fromEntries(items.slice(0, 9).map((item, index) => [String(index + 1), () => void navigate({ to: item.to, search: item.search })])))
  const bad = items.filter((item) => item.tone === 'bad').length
  return (
    <Panel label="Needs attention" className={className}>
      <PanelHead title="Needs attention">{items.length > 0 && <Pill tone={bad ? 'bad' : 'idle'}>{items.length}</Pill>}</PanelHead>
      <ul>
        {items.map((item) => {
          const Icon = icons[item.icon]
          return (
            <li key={item.id} className="flex gap-2.5 border-t border-line px-3.5 py-[9px]">
              <Icon className={`mt-0.5 size-4 flex-none ${colours[item.tone]}`} strokeWidth={1.75} aria-hidden />
              <div className="min-w-0">
                <div className="font-medium wrap-break-word">{item.title}</div>
                <p className="num mt-px text-12 text-fg-2">{item.text}</p>
                <Link to={item.to} search={item.search} className={`${link} mt-[3px] inline-block text-12 leading-[18px] max-md:py-1.5`}>
                  {item.action}
                </Link>
              </div>
            </li>
          )
        })}
        {items.length === 0 && (
          <li className="flex gap-2.5 border-t border-line px-3.5 py-3">
            <CircleCheck className="mt-0.5 size-4 flex-none text-ok" strokeWidth={1.75} aria-hidden />
            <div>
              <div className="font-medium">Nothing needs you</div>
              <p className="mt-px text-12 text-fg-2">Providers answer, every request has a price, no budget is near its limit, no key near its end.</p>
            </div>
          </li>
        )}
      </ul>
    </Panel>
  )
}

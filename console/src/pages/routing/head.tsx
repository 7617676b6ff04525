/** The head that the pages of routing share: which of them is open, what it answers, and the one action of the page. */
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import { useMay } from '../../govern/queries.ts'
import { Segmented } from '../../ui/bits.tsx'
import { PageHead } from '../../ui/panel.tsx'

const names = { aliases: 'Aliases', policies: 'Policies', decisions: 'Decisions', models: 'Models', savings: 'Savings', explain: 'Explain' } as const
export type RoutingTab = keyof typeof names

export function RoutingHead({ tab, note, children }: { tab: RoutingTab; note?: ReactNode; children?: ReactNode }) {
  const navigate = useNavigate()
  const may = useMay()
  const options = (Object.entries(names) as [RoutingTab, string][]).filter(([id]) => id !== 'savings' || may('usage:read'))
  const tabs = useRef<HTMLDivElement>(null)
  // On a phone not all of them fit.
  useEffect(() => tabs.current?.querySelector('[aria-pressed=true]')?.scrollIntoView({ inline: 'center', block: 'nearest' }), [tab])
  return (
    <>
      <PageHead title="Routing" note={note}>
        {children}
      </PageHead>
      <div ref={tabs} className="mb-3.5 max-w-full scrollbar-none overflow-x-auto">
        <Segmented label="Part of routing" value={tab} options={options} onChange={(to) => void navigate({ to: to === 'aliases' ? '/routing' : `/routing/${to}` })} />
      </div>
    </>
  )
}

/** Routing policies: how `auto` weighs quality, cost and time. Those of the organisation first, then the built-in ones. A row opens the policy. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Lock, Plus } from 'lucide-react'
import { useMay } from '../../govern/queries.ts'
import { routed } from '../../routing/queries.ts'
import type { RoutingPolicy } from '../../routing/types.ts'
import { Page } from '../../shell/page.tsx'
import { type Columns, Head, right, td } from '../../ui/bits.tsx'
import { Button, link } from '../../ui/button.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Load } from '../../ui/state.tsx'
import { RoutingHead } from './head.tsx'
import { NewPolicySheet, PolicySheet } from './policy-sheet.tsx'
import { baseWords, policyText } from './policy-values.ts'

const columns: Columns = [
  ['Policy', 'w-[190px] max-md:w-auto'],
  ['Base', 'w-[96px] max-md:hidden'],
  ['Says', 'max-md:hidden'],
  ['Cost', `w-[76px] ${right}`],
  ['Time', `w-[76px] ${right}`],
  ['Decisions', 'w-[110px] max-lg:hidden'],
]

function Row({ policy, onOpen }: { policy: RoutingPolicy; onOpen: () => void }) {
  const { name, built_in: isBuiltIn, effective } = policy
  return (
    <tr className="group/row cursor-pointer" onClick={onOpen}>
      <th scope="row" className={`${td} truncate text-left font-medium`}>
        <button type="button" aria-haspopup="dialog" className="max-w-full truncate rounded-1 align-middle" onClick={onOpen}>
          <code className="mono">{name}</code>
        </button>
        {isBuiltIn && (
          <span className="ml-2 align-middle">
            <Pill>Built in</Pill>
          </span>
        )}
        {policy.managed_by !== 'api' && <Lock className="ml-1.5 inline size-3 text-fg-3" aria-label="declared in the file" />}
      </th>
      <td className={`${td} max-md:hidden`}>{isBuiltIn ? <span className="text-fg-3">–</span> : policy.base}</td>
      <td className={`${td} truncate text-fg-2 max-md:hidden`} title={policyText(policy)}>
        {isBuiltIn ? baseWords[policy.base] : policyText(policy) || 'the same as its base'}
      </td>
      <td className={`${td} ${right}`}>{effective.kind === 'cheap' ? 'first' : effective.cost}</td>
      <td className={`${td} ${right}`}>{effective.latency}</td>
      <td className={`${td} max-lg:hidden`} onClick={(event) => event.stopPropagation()}>
        <Link to="/routing/decisions" search={{ policy: name }} className={`${link} font-normal`} aria-label={`Decisions of ${name}`}>
          Decisions
        </Link>
      </td>
    </tr>
  )
}

export function RoutingPolicies() {
  const navigate = useNavigate()
  const mayWrite = useMay()('routing:write')
  const { policy: opened }: { policy?: string } = useSearch({ from: '/app/routing/policies' })
  const policies = useQuery(routed.policies)
  const open = (name?: string): void => void navigate({ to: '/routing/policies', search: name ? { policy: name } : {}, resetScroll: false })
  const chosen = policies.data?.data.find(({ name }) => name === opened)
  return (
    <Page title="Routing policies">
      <RoutingHead tab="policies" note="How auto weighs quality, cost and time">
        {mayWrite && (
          <Button look="primary" onClick={() => open('new policy')}>
            <Plus className="size-3.5" aria-hidden />
            Create policy
          </Button>
        )}
      </RoutingHead>
      <Panel>
        <Load of={policies} rows={6}>
          {({ data }) => (
            <table className="table-fixed">
              <Head columns={columns} />
              <tbody>
                {data
                  .toSorted((a, b) => Number(a.built_in) - Number(b.built_in))
                  .map((policy) => (
                    <Row key={policy.name} policy={policy} onOpen={() => open(policy.name)} />
                  ))}
              </tbody>
            </table>
          )}
        </Load>
      </Panel>
      <p className="mt-2 text-12 text-fg-3">
        Requests ask for <code className="mono">auto:name</code>, or for <code className="mono">auto</code>: then the policy of their key, else of its team or project, else balanced. Cost and time: quality that is given up for saving the usual cost and time.
      </p>
      {opened === 'new policy' && mayWrite && <NewPolicySheet policies={policies.data?.data ?? []} onClose={() => open()} />}
      {chosen && <PolicySheet key={chosen.name} policy={chosen} policies={policies.data?.data ?? []} onClose={() => open()} />}
    </Page>
  )
}

/** Who and what costs most this month. Each row leads to its requests. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Usage } from '../../api-types.ts'
import { money, percent, plural, shares } from '../../format.ts'
import { queries } from '../../queries.ts'
import { ModelName, right, Share, td, th } from '../../ui/bits.tsx'
import { link } from '../../ui/button.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Load } from '../../ui/state.tsx'

const shownRows = 7
const ranked = (usage: Usage) => [...usage.groups].sort((a, b) => b.cost_nano - a.cost_nano || b.requests - a.requests)
const spend = (row: { cost_nano: number; unpriced_requests: number; requests: number }): string =>
  row.unpriced_requests === row.requests && row.requests > 0 ? 'unpriced' : money(row.cost_nano)
const tight = `${td} px-[5px]`
const open = 'rounded-1 hover:underline underline-offset-3'

export function TopKeys({ className }: { className: string }) {
  const usage = useQuery(queries.usage({ range: 'this-month', group_by: 'key', bucket: 'day' }))
  return (
    <Panel label="Keys" className={className}>
      <PanelHead title="Keys" note="this month">
        <Link to="/keys" className={`${link} text-12`}>
          All keys
        </Link>
      </PanelHead>
      <Load of={usage} rows={6}>
        {(data) => {
          const rows = ranked(data)
          const parts = shares(rows.map((row) => row.cost_nano))
          return (
            <table className="border-t border-line">
              <thead className="sr-only">
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Spend</th>
                  <th scope="col">Bar</th>
                  <th scope="col">Share</th>
                </tr>
              </thead>
              <tbody>
                {rows.slice(0, shownRows).map((row, index) => (
                  <tr key={row.group ?? 'none'} className="group/row">
                    <th scope="row" className={`${tight} max-w-0 w-[46%] truncate text-left font-normal`}>
                      {row.group ? (
                        <Link
                          to="/requests"
                          search={{ key: row.group }}
                          className={`${open} ${row.deleted ? 'text-fg-3 line-through' : ''}`}
                          title={row.label ?? row.group}
                        >
                          {row.label ?? row.group}
                        </Link>
                      ) : (
                        <span className="text-fg-3">no key</span>
                      )}
                    </th>
                    <td className={`${tight} ${right}`}>{spend(row)}</td>
                    <td className={`${tight} w-[52px]`}>
                      <Share value={(parts[index] ?? 0) / (parts[0] || 1)} color="var(--c0)" />
                    </td>
                    <td className={`${tight} ${right} text-fg-2`}>{percent(parts[index] ?? 0)}</td>
                  </tr>
                ))}
                {rows.length > 0 && (
                  <tr className="font-semibold">
                    <th scope="row" className={`${tight} rounded-bl-3 bg-sunken text-left`}>
                      {rows.length > shownRows ? `All ${rows.length} keys` : 'Total'}
                    </th>
                    <td className={`${tight} ${right} bg-sunken`}>{money(data.totals.cost_nano)}</td>
                    <td className={`${tight} bg-sunken`} />
                    <td className={`${tight} ${right} rounded-br-3 bg-sunken`}>100 %</td>
                  </tr>
                )}
              </tbody>
            </table>
          )
        }}
      </Load>
    </Panel>
  )
}

export function ModelTable({ className }: { className: string }) {
  const usage = useQuery(queries.usage({ range: 'this-month', group_by: 'model', bucket: 'day' }))
  return (
    <Panel label="Models" className={className}>
      <PanelHead title="Models" note="this month">
        <Link to="/models" className={`${link} text-12`}>
          Catalogue
        </Link>
      </PanelHead>
      <Load of={usage} rows={6}>
        {(data) => {
          const rows = ranked(data)
          const rest = rows.slice(shownRows)
          return (
            <table className="border-t border-line">
              <thead>
                <tr>
                  <th scope="col" className={`${th} px-[5px]`}>
                    Model
                  </th>
                  <th scope="col" className={`${th} ${right} px-[5px]`}>
                    Spend
                  </th>
                  <th scope="col" className={`${th} ${right}`}>
                    Per success
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.slice(0, shownRows).map((row) => (
                  <tr key={row.group ?? 'none'} className="group/row">
                    <th scope="row" className={`${tight} max-w-0 w-1/2 truncate text-left font-normal`}>
                      {row.group ? (
                        <Link to="/requests" search={{ model: row.group }} className={open}>
                          <ModelName vendor={null} name={row.label ?? row.group} />
                        </Link>
                      ) : (
                        <span className="text-fg-3">not routed</span>
                      )}
                    </th>
                    <td className={`${tight} ${right}`}>{spend(row)}</td>
                    <td className={`${tight} ${right} text-fg-2`}>
                      {row.succeeded > 0 && row.unpriced_requests < row.requests ? money(row.cost_nano / row.succeeded) : '–'}
                    </td>
                  </tr>
                ))}
                {rest.length > 0 && (
                  <tr className="group/row">
                    <th scope="row" className={`${tight} text-left font-normal text-fg-2`}>
                      {plural(rest.length, 'other model')}
                    </th>
                    <td className={`${tight} ${right}`}>{money(rest.reduce((sum, row) => sum + row.cost_nano, 0))}</td>
                    <td className={`${tight} ${right}`}>–</td>
                  </tr>
                )}
              </tbody>
            </table>
          )
        }}
      </Load>
    </Panel>
  )
}

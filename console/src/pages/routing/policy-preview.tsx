/** What a policy would have made of last week's decisions, before it is saved: how many would be others, and what that was predicted to cost. */
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { countExact, delta, money, percent, plural } from '../../format.ts'
import { routing } from '../../routing/api.ts'
import type { PolicyPreview as Preview, RoutingPolicy } from '../../routing/types.ts'
import { quality } from '../../routing/words.ts'
import { right, td, th } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { ChipSelect } from '../../ui/field.tsx'
import { policyInput, type PolicyValues } from './policy-values.ts'

/** The answer holds for the very values that it was asked for. */
export function usePreview(values: PolicyValues, own: string) {
  const [of, setOf] = useState(own)
  const asked = JSON.stringify([policyInput(values), of])
  const [seen, setSeen] = useState<{ asked: string; preview: Preview } | null>(null)
  const ask = useMutation({
    // A new one is judged before it is called something.
    mutationFn: () => routing.previewPolicy({ ...policyInput(values), name: values.name.trim() || 'new' }, of),
    onSuccess: (preview) => setSeen({ asked, preview }),
  })
  return { of, setOf, ask, preview: seen?.asked === asked ? seen.preview : null }
}

function Verdict({ preview: { decisions, compared, changed, before, after, more } }: { preview: Preview }) {
  if (decisions === 0) return <h4 className="font-medium">Nothing was decided in the last week, so there is nothing to compare.</h4>
  if (compared === 0) return <h4 className="font-medium">None of {plural(decisions, 'decision')} of the last week can be compared.</h4>
  const cost = before.cost_nano === 0 ? null : after.cost_nano / before.cost_nano - 1
  return (
    <>
      <h4 className="font-medium">
        {changed === 0 ? `All of ${plural(compared, 'decision')} would have been the same.` : `${countExact(changed)} of ${plural(compared, 'decision')} would have got another model (${percent(changed / compared)}).`}
      </h4>
      {more && <p className="text-12 text-fg-3">There were more in the last week: the newest {countExact(decisions)} were looked at.</p>}
      <table>
        <thead>
          <tr>
            {['Predicted', 'As it was', 'With it', 'Change'].map((name, index) => (
              <th key={name} scope="col" className={`${th} ${index > 0 ? right : ''}`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr className="group/row">
            <th scope="row" className={`${td} text-left font-normal`}>
              Cost
            </th>
            <td className={`${td} ${right}`}>{money(before.cost_nano)}</td>
            <td className={`${td} ${right}`}>{money(after.cost_nano)}</td>
            <td className={`${td} ${right}`}>{cost === null ? '–' : delta(cost)}</td>
          </tr>
          <tr className="group/row">
            <th scope="row" className={`${td} text-left font-normal`}>
              Quality
            </th>
            <td className={`${td} ${right}`}>{quality(before.quality)}</td>
            <td className={`${td} ${right}`}>{quality(after.quality)}</td>
            <td className={`${td} ${right}`}>{`${after.quality < before.quality ? '−' : '+'}${Math.abs((after.quality - before.quality) * 100).toFixed(1)} pt`}</td>
          </tr>
        </tbody>
      </table>
    </>
  )
}

const shown = 8

function Result({ preview }: { preview: Preview }) {
  const { models, tried, undecided, unseen, limits } = preview
  const left = [tried > 0 && `${countExact(tried)} where something was tried out`, undecided > 0 && `${countExact(undecided)} where no recorded candidate fits`].filter(Boolean)
  return (
    <section role="status" aria-label="Preview" className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-2.5 rounded-3 border border-line border-l-3 border-l-accent px-3.5 py-3">
      <Verdict preview={preview} />
      {models.length > 0 && (
        <ul aria-label="Decisions by model" className="num grid gap-0.5 text-12">
          {models.slice(0, shown).map(({ model, before, after }) => (
            <li key={model} className="flex gap-3">
              <span className="min-w-0 flex-1 truncate">{model}</span>
              <span className={after === before ? 'text-fg-3' : ''}>
                {countExact(before)} → {countExact(after)}
              </span>
            </li>
          ))}
          {models.length > shown && <li className="text-fg-3">and {models.length - shown} more</li>}
        </ul>
      )}
      {left.length > 0 && <p className="text-12 text-fg-2">Left out: {left.join(', ')}.</p>}
      {unseen.length > 0 && <p className="text-12 text-warn-fg">No decision has figures of {unseen.join(', ')}: whether they would have been chosen can’t be told.</p>}
      <ul className="grid list-disc gap-0.5 pl-4 text-12 text-fg-3">
        {limits.map((limit) => (
          <li key={limit}>{limit}</li>
        ))}
      </ul>
    </section>
  )
}

interface Props {
  policies: readonly RoutingPolicy[]
  of: ReturnType<typeof usePreview>
  /** Whether the form can be sent; it shows what can't. */
  check: () => boolean
}

export function PolicyPreview({ policies, of: { of, setOf, ask, preview }, check }: Props) {
  return (
    <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-3 border-t border-line pt-3.5">
      <h3 className="font-medium">What would it have done last week?</h3>
      <div className="flex flex-wrap items-center gap-2">
        <ChipSelect label="Decisions of" value={of} onChange={(event) => setOf(event.target.value)}>
          <option value="">every policy</option>
          {policies.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </ChipSelect>
        <Button disabled={ask.isPending} onClick={() => check() && ask.mutate()}>
          {ask.isPending ? 'Working it out…' : 'Preview on last week'}
        </Button>
      </div>
      {preview && <Result preview={preview} />}
    </div>
  )
}

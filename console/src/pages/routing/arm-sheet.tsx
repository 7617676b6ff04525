/** One model as the router knows it, in a side sheet, and what an operator decides of it: approve, reject, forget what was learned. */
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { duration, plural, price, tokensShort } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { changed } from '../../queries.ts'
import { routing } from '../../routing/api.ts'
import type { RoutedModel } from '../../routing/types.ts'
import { plusMinus, reasonWord, taskWord } from '../../routing/words.ts'
import { Whisker } from '../../routing/whisker.tsx'
import { Fact, right, td, th } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/field.tsx'
import { ArmState } from './arms.tsx'
import { Events } from './events.tsx'

/** Null: of all models. */
export type Judgement = { what: 'approve' | 'reject'; arm: RoutedModel } | { what: 'reset'; arm: RoutedModel | null }

const words = {
  approve: { title: 'Approve', verb: 'Approve model', doing: 'Approving…', keep: 'Not now' },
  reject: { title: 'Reject', verb: 'Reject model', doing: 'Rejecting…', keep: 'Keep model' },
  reset: { title: 'Reset', verb: 'Forget', doing: 'Forgetting…', keep: 'Keep what was learned' },
} as const

function consequence({ what, arm }: Judgement, all: readonly RoutedModel[]): string {
  if (what === 'approve') return 'Auto tries it on few requests of low risk, within the share that policies allow, and uses it like others once its outcomes say that it is good. It is stopped by itself where it is worse than what costs no more.'
  if (what === 'reject') return `Auto no longer chooses it (it did ${plural(arm.taken, 'time')}). Whoever asks for it by its name still gets it. It can be approved again.`
  const outcomes = arm === null ? all.reduce((sum, each) => sum + each.outcomes, 0) : arm.outcomes
  return `What ${plural(outcomes, 'outcome')} taught of ${arm === null ? plural(all.length, 'model') : 'it'} is forgotten: auto goes by what the catalogue says until there are new ones. How far each may go stays. This can’t be undone; an export keeps a copy.`
}

export function Judge({ judgement, all, onClose }: { judgement: Judgement; all: readonly RoutedModel[]; onClose: () => void }) {
  const { what, arm } = judgement
  const act = useMutation({
    mutationFn: async (): Promise<void> => {
      if (what === 'reset') await routing.reset(arm?.id ?? null)
      else await routing[what](arm.id)
    },
    onSuccess: async () => {
      await changed('routing-models', 'routing-events')
      onClose()
    },
  })
  const { title, verb, doing, keep } = words[what]
  return (
    <Dialog
      title={`${title} ${arm?.id ?? 'all models'}?`}
      onClose={onClose}
      onSubmit={() => act.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{keep}</Button>
          <Button type="submit" look={what === 'approve' ? 'primary' : 'danger'} disabled={act.isPending}>
            {act.isPending ? doing : verb}
          </Button>
        </>
      }
    >
      <p className="text-fg-2">{consequence(judgement, all)}</p>
      <FormError>{act.error?.message}</FormError>
    </Dialog>
  )
}

const can = ({ can: of }: RoutedModel): string => (['tools', 'schema', 'images', 'audio', 'reasoning'] as const).filter((name) => of[name]).join(', ') || 'text only'

function Facts({ arm }: { arm: RoutedModel }) {
  const { prices } = arm
  return (
    <dl>
      <Fact name="State">
        <ArmState arm={arm} />
        {arm.reasons.length > 1 && <span className="ml-2 text-fg-2">{arm.reasons.slice(1).map(reasonWord).join(', ')}</span>}
      </Fact>
      <Fact name="Chosen by">{arm.general ? 'every policy that names no models, and those that name it' : 'policies that name it'}</Fact>
      <Fact name="Known from">
        {arm.outcomes === 0 ? 'the catalogue alone' : plural(arm.outcomes, 'outcome')}, chosen {plural(arm.taken, 'time')}
        {arm.alarms > 0 && <span className="text-warn-fg">; {plural(arm.alarms, 'time')} it stopped being what was known, which was then mostly forgotten</span>}
      </Fact>
      <Fact name="Price">{prices ? `${price(prices.input)} in, ${price(prices.cache_read)} cache read, ${price(prices.cache_write)} cache write, ${price(prices.output)} out, USD per million tokens` : 'unknown: it is not chosen'}</Fact>
      <Fact name="First token">
        {duration(arm.first_token_ms.expected)} expected, {duration(arm.first_token_ms.p95)} in 5 % of cases or more
      </Fact>
      <Fact name="Speed">{arm.ms_per_token > 0 ? `${Math.round(1000 / arm.ms_per_token)} tokens/s` : 'unknown'}</Fact>
      <Fact name="Context">{arm.context_tokens ? `${tokensShort(arm.context_tokens)} tokens` : 'unknown'}</Fact>
      <Fact name="Can do">{can(arm)}</Fact>
      {arm.released_on !== null && <Fact name="Released">{arm.released_on}</Fact>}
      <Fact name="Deployments">{arm.deployments.join(', ') || 'none'}</Fact>
    </dl>
  )
}

function Tasks({ arm }: { arm: RoutedModel }) {
  const heads = [['Task', ''], ['Quality ± deviation', right], ['Answer', `${right} max-md:hidden`], ['Time', right]] as const
  return (
    <section>
      <h3 className="mb-1 font-semibold">
        By task <span className="text-12 font-normal text-fg-3">easy, medium and hard ones alike</span>
      </h3>
      <table>
        <thead>
          <tr>
            {heads.map(([name, className]) => (
              <th key={name} scope="col" className={`${th} ${className}`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {arm.tasks.map(({ task, quality, deviation, output_tokens: tokens, latency_ms: ms }) => (
            <tr key={task} className="group/row">
              <th scope="row" className={`${td} text-left font-normal`}>
                {taskWord(task)}
              </th>
              <td className={`${td} ${right}`}>
                <Whisker value={quality} deviation={deviation} /> {plusMinus(quality, deviation)}
              </td>
              <td className={`${td} ${right} text-fg-2 max-md:hidden`}>{plural(Math.round(tokens), 'token')}</td>
              <td className={`${td} ${right} text-fg-2`}>{duration(ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export function ArmSheet({ arm, onClose, onJudge }: { arm: RoutedModel; onClose: () => void; onJudge: (judgement: Judgement) => void }) {
  const mayWrite = useMay()('routing:write')
  const needsApproval = arm.stage === 'rejected' || arm.reasons.includes('not_approved')
  const footer = (
    <>
      {mayWrite && needsApproval && (
        <Button look="primary" onClick={() => onJudge({ what: 'approve', arm })}>
          Approve…
        </Button>
      )}
      <Link to="/routing/decisions" search={{ model: arm.id }} className={button()}>
        Its decisions
      </Link>
      {mayWrite && <Button onClick={() => onJudge({ what: 'reset', arm })}>Reset…</Button>}
      {mayWrite && arm.stage !== 'rejected' && (
        <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => onJudge({ what: 'reject', arm })}>
          Reject…
        </Button>
      )}
    </>
  )
  return (
    <Sheet title={arm.id} note={arm.domain} onClose={onClose} footer={footer}>
      <div className="grid gap-5">
        <Facts arm={arm} />
        <section>
          <h3 className="mb-1 font-semibold">Its way</h3>
          <Events model={arm.id} />
        </section>
        <Tasks arm={arm} />
      </div>
    </Sheet>
  )
}

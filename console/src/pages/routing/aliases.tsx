/** Aliases: one name for clients, models behind it that can change without them. Ordered: first healthy target; weighted: drawn by weight. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, Lock, type LucideIcon, Plus, X } from 'lucide-react'
import { useState } from 'react'
import { ApiError, api } from '../../api.ts'
import type { Alias } from '../../api-types.ts'
import { percent, shares } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { changed, queries } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { Declared, Segmented, td, th } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { FormError, Input, TextField } from '../../ui/field.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Empty, Load } from '../../ui/state.tsx'
import { RoutingHead } from './head.tsx'

interface Target {
  model: string
  weight: string
}
const blank: Target = { model: '', weight: '1' }
const weightOf = (target: Target): number => Math.max(0, Number(target.weight) || 0)

interface TargetsProps {
  targets: Target[]
  weighted: boolean
  disabled: boolean
  onChange: (targets: Target[]) => void
}
const IconButton = ({ icon: Icon, ...rest }: { icon: LucideIcon; 'aria-label': string; disabled: boolean; onClick: () => void }) => (
  <Button size="icon" look="ghost" {...rest}>
    <Icon className="size-3.5" aria-hidden />
  </Button>
)

function Targets({ targets, weighted, disabled, onChange }: TargetsProps) {
  const models = useQuery(queries.available)
  const parts = shares(targets.map(weightOf))
  const set = (index: number, more: Partial<Target>) => onChange(targets.with(index, { ...(targets[index] ?? blank), ...more }))
  const swap = (index: number) => onChange(targets.with(index, targets[index + 1] ?? blank).with(index + 1, targets[index] ?? blank))
  return (
    <fieldset className="grid gap-2" disabled={disabled}>
      <legend className="mb-1 font-medium">{weighted ? 'Models and weights' : 'Models, first to last'}</legend>
      <datalist id="alias-models">
        {models.data?.data.slice(0, 300).map((model) => (
          <option key={model.id} value={model.id} />
        ))}
      </datalist>
      {targets.map((target, index) => (
        <div key={index} className="flex items-center gap-2">
          <span className="num w-4 flex-none text-right text-12 text-fg-3">{index + 1}</span>
          <Input
            className="flex-1"
            list="alias-models"
            aria-label={`Model ${index + 1}`}
            placeholder="gpt-5-mini"
            autoComplete="off"
            value={target.model}
            onChange={(event) => set(index, { model: event.target.value })}
          />
          {weighted ? (
            <>
              <div className="w-20">
                <Input
                  aria-label={`Weight ${index + 1}`}
                  inputMode="numeric"
                  value={target.weight}
                  onChange={(event) => set(index, { weight: event.target.value })}
                />
              </div>
              <span className="num w-14 text-right text-12 text-fg-3">{percent(parts[index] ?? 0)}</span>
            </>
          ) : (
            <>
              <IconButton icon={ArrowUp} aria-label={`Move model ${index + 1} up`} disabled={index === 0} onClick={() => swap(index - 1)} />
              <IconButton icon={ArrowDown} aria-label={`Move model ${index + 1} down`} disabled={index === targets.length - 1} onClick={() => swap(index)} />
            </>
          )}
          <IconButton icon={X} aria-label={`Remove model ${index + 1}`} disabled={targets.length === 1} onClick={() => onChange(targets.toSpliced(index, 1))} />
        </div>
      ))}
      {!disabled && (
        <div>
          <Button size="s" onClick={() => onChange([...targets, blank])}>
            <Plus className="size-3.5" aria-hidden />
            Add model
          </Button>
        </div>
      )}
    </fieldset>
  )
}

/** An alias as it is edited; a conflict keeps what was typed and shows what the other one wrote. */
function useAliasEdit(alias: Alias | null, onClose: () => void) {
  const [base, setBase] = useState(alias)
  const [name, setName] = useState(alias?.name ?? '')
  const [strategy, setStrategy] = useState<Alias['strategy']>(alias?.strategy ?? 'ordered')
  const [targets, setTargets] = useState<Target[]>(alias?.targets.map((target) => ({ model: target.model, weight: String(target.weight) })) ?? [blank])
  const used = targets
    .filter((target) => target.model.trim())
    .map((target) => ({ model: target.model.trim(), weight: strategy === 'weighted' ? weightOf(target) : 1 }))
  const onSuccess = async () => {
    await changed('aliases', 'models')
    onClose()
  }
  const save = useMutation({
    mutationFn: () =>
      base ? api.updateAlias(base.name, { strategy, targets: used }, base.version) : api.createAlias({ name: name.trim(), strategy, targets: used }),
    onSuccess,
    onError: (error) => {
      if (error instanceof ApiError && error.code === 'version_conflict' && error.current) setBase(error.current as Alias)
    },
  })
  const remove = useMutation({ mutationFn: () => api.deleteAlias(base?.name ?? '', base?.version), onSuccess })
  return {
    base,
    name,
    setName,
    strategy,
    setStrategy,
    targets,
    setTargets,
    save,
    remove,
    complete: name.trim() !== '' && used.length > 0,
    conflicted: save.error instanceof ApiError && save.error.code === 'version_conflict',
  }
}

function AliasSheet({ alias, onClose }: { alias: Alias | null; onClose: () => void }) {
  const { base, name, setName, strategy, setStrategy, targets, setTargets, save, remove, complete, conflicted } = useAliasEdit(alias, onClose)
  const isDeclared = base !== null && base.managed_by !== 'api'
  const readOnly = isDeclared || !useMay()('routing:write')
  const verb = base ? (conflicted ? 'Keep mine' : 'Save changes') : 'Create alias'
  const footer = (
    <>
      <Button type="submit" look="primary" disabled={save.isPending || !complete}>
        {save.isPending ? 'Saving…' : verb}
      </Button>
      {base && (
        <Button look="ghost" className="ml-auto text-bad-fg" disabled={remove.isPending} onClick={() => remove.mutate()}>
          Delete alias
        </Button>
      )}
    </>
  )
  return (
    <Sheet
      title={base ? base.name : 'Create alias'}
      note={base ? 'Changes reach requests within a second.' : 'Clients send this name as the model.'}
      onClose={onClose}
      {...(readOnly ? {} : { onSubmit: () => save.mutate(), footer })}
    >
      <div className="grid gap-5">
        {isDeclared && <Declared by="megarouter.yaml" />}
        {!base && <TextField label="Name" data-focus="" autoComplete="off" placeholder="fast" value={name} onChange={(event) => setName(event.target.value)} />}
        <div className="grid justify-items-start gap-1.5">
          <Segmented
            label="Choice"
            value={strategy}
            options={[
              ['ordered', 'Ordered'],
              ['weighted', 'Weighted'],
            ]}
            onChange={(next) => {
              if (!readOnly) setStrategy(next)
            }}
          />
          <p className="text-12 text-fg-3">
            {strategy === 'ordered'
              ? 'The first healthy model serves; the next ones are its fallbacks.'
              : 'Drawn by weight; the others are fallbacks in this order.'}
          </p>
        </div>
        <Targets targets={targets} weighted={strategy === 'weighted'} disabled={readOnly} onChange={setTargets} />
        {conflicted && base && (
          <p role="alert" className="rounded-2 bg-warn-bg px-3 py-2 text-warn-fg">
            Someone changed this alias meanwhile; it is now {base.strategy}: {base.targets.map((target) => target.model).join(', ')}.
          </p>
        )}
        {!conflicted && <FormError>{save.error?.message ?? remove.error?.message}</FormError>}
      </div>
    </Sheet>
  )
}

function Chain({ alias }: { alias: Alias }) {
  const parts = shares(alias.targets.map((target) => target.weight))
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
      {alias.targets.map((target, index) => (
        <span key={index} className="inline-flex min-w-0 items-center gap-1.5">
          {index > 0 && alias.strategy === 'ordered' && (
            <span aria-hidden className="text-fg-3">
              →
            </span>
          )}
          <span className="truncate">{target.model}</span>
          {alias.strategy === 'weighted' && <span className="num text-12 text-fg-3">{percent(parts[index] ?? 0)}</span>}
        </span>
      ))}
    </span>
  )
}

export function Aliases() {
  const navigate = useNavigate()
  const mayWrite = useMay()('routing:write')
  const { alias: opened }: { alias?: string } = useSearch({ from: '/app/routing' })
  const aliases = useQuery(queries.aliases)
  const open = (name?: string) => void navigate({ to: '/routing', search: name ? { alias: name } : {}, resetScroll: false })
  const chosen = aliases.data?.data.find((alias) => alias.name === opened)
  return (
    <Page title="Routing">
      <RoutingHead tab="aliases" note="Names that stay while the models behind them change">
        {mayWrite && (
          <Button look="primary" onClick={() => open('new alias')}>
            <Plus className="size-3.5" aria-hidden />
            Create alias
          </Button>
        )}
      </RoutingHead>
      <Panel>
        <Load of={aliases}>
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="There is no alias yet" action={mayWrite && <Button onClick={() => open('new alias')}>Create alias</Button>}>
                With an alias such as <code className="mono">fast</code>, applications name what they need, and you choose the model without touching them.
              </Empty>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col" className={`${th} w-[160px] max-md:w-auto`}>
                      Alias
                    </th>
                    <th scope="col" className={`${th} w-[110px] max-md:hidden`}>
                      Choice
                    </th>
                    <th scope="col" className={th}>
                      Models
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {data.map((alias) => (
                    <tr key={alias.name} className="group/row cursor-pointer" onClick={() => open(alias.name)}>
                      <th scope="row" className={`${td} text-left font-medium`}>
                        <button type="button" aria-haspopup="dialog" className="rounded-1" onClick={() => open(alias.name)}>
                          <code className="mono">{alias.name}</code>
                        </button>
                        {alias.managed_by !== 'api' && <Lock className="ml-1.5 inline size-3 text-fg-3" aria-label="declared in the file" />}
                      </th>
                      <td className={`${td} max-md:hidden`}>
                        <Pill>{alias.strategy === 'ordered' ? 'Ordered' : 'Weighted'}</Pill>
                      </td>
                      <td className={`${td} py-1.5 whitespace-normal`}>
                        <Chain alias={alias} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Load>
      </Panel>
      {(chosen || (opened === 'new alias' && mayWrite)) && <AliasSheet key={opened} alias={chosen ?? null} onClose={() => open()} />}
    </Page>
  )
}

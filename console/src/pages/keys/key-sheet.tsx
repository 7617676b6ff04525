/** One key in a side sheet: create, edit on the version that was read, disable, revoke with its consequence in numbers. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, api } from '../../api.ts'
import type { Key } from '../../api-types.ts'
import { ago, type Clock, instant, money, plural, toMinute } from '../../format.ts'
import { Conflict } from '../../govern/conflict.tsx'
import { useMay } from '../../govern/queries.ts'
import { changed, ifHeld } from '../../queries.ts'
import { Declared } from '../../ui/bits.tsx'
import { BudgetState, Warnings } from '../../ui/budget.tsx'
import { Button, button, link } from '../../ui/button.tsx'
import { SecretBox } from '../../ui/copy.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/field.tsx'
import { emptyKey, keyChanges, KeyFields, keyProblems, keyValues, type KeyValues, newKeyInput } from '../../ui/key-form.tsx'
import { KeyState } from './keys.tsx'
import { PlacedFields } from './placed-fields.tsx'
import { Rotate } from './rotate.tsx'

type Problems = Partial<Record<keyof KeyValues, string>>

function Revoke({ row, onClose, onDone }: { row: Key; onClose: () => void; onDone: () => void }) {
  const hour = useQuery({
    queryKey: ['usage', 'last-hour', row.id],
    enabled: ifHeld('usage:read'),
    queryFn: async () =>
      (
        await api.usage({ range: `${new Date(Date.now() - 3_600_000).toISOString()}..${new Date().toISOString()}`, group_by: 'key', bucket: 'none' })
      ).groups.find((group) => group.group === row.id)?.requests ?? 0,
  })
  const revoke = useMutation({
    mutationFn: () => api.revokeKey(row.id),
    onSuccess: async () => {
      await changed('keys')
      onDone()
    },
  })
  const used = hour.data
  return (
    <Dialog
      title={`Revoke ${row.name}?`}
      onClose={onClose}
      onSubmit={() => revoke.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Keep key</Button>
          <Button type="submit" look="danger" disabled={revoke.isPending}>
            {revoke.isPending ? 'Revoking…' : 'Revoke key'}
          </Button>
        </>
      }
    >
      <p className="text-fg-2">
        {hour.isLoading
          ? 'Counting the last hour…'
          : used === undefined
            ? 'Its requests are refused within 1 s from now on, and running streams are cut.'
            : used === 0
              ? 'No request used it in the last hour. From now on its requests are refused within 1 s.'
              : `${plural(used, 'request')} used it in the last hour; they will be refused within 1 s, and running streams are cut.`}{' '}
        This can’t be undone. Its usage is kept.
      </p>
      <FormError>{revoke.error?.message}</FormError>
    </Dialog>
  )
}

const labels: Record<keyof KeyValues, string> = {
  name: 'Name', models: 'Models', expires: 'Last day', limit: 'Budget', period: 'Period', mode: 'Mode', rpm: 'Requests/min', tpm: 'Tokens/min', concurrency: 'At the same time', spend: 'USD/min', node: 'Team', owner: 'Owner', priority: 'Priority', policy: 'Routing policy',
  tags: 'Tags', addresses: 'Addresses',
}
const shown = (values: KeyValues): Record<string, string> => Object.fromEntries(Object.entries(labels).map(([name, label]) => [label, values[name as keyof KeyValues]]))

function Facts({ row, clock }: { row: Key; clock: Clock }) {
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 text-12 text-fg-2">
      <KeyState row={row} clock={clock} />
      <code className="mono">
        {row.prefix}…{row.last4}
      </code>
      <Link to="/access/why" search={{ key: row.id }} className={link}>
        What it may do
      </Link>
      <span className="num">
        {money(row.spent_month_nano)} this month in {plural(row.requests_month, 'request')}
      </span>
      {row.previous_until && Date.parse(row.previous_until) > clock.now() && <span className="text-warn-fg">the key before the rotation works until {toMinute(row.previous_until, clock.zone)}</span>}
      <span title={instant(row.created_at, clock.zone)}>created {ago(row.created_at, clock)}</span>
    </div>
  )
}

/** The key as it is edited, on the version that was read; a conflict holds both versions until one is chosen. */
function useKeyEdit(row: Key) {
  const [base, setBase] = useState(row)
  const [values, setValues] = useState<KeyValues>(keyValues(row))
  const [problems, setProblems] = useState<Problems>({})
  const [conflict, setConflict] = useState<Key | null>(null)
  const save = useMutation({
    mutationFn: async ({ status, version }: { status?: 'active' | 'disabled'; version: number }) => {
      if (status) return api.updateKey(base.id, { status }, version)
      const before = keyValues(base)
      const isMoved = values.node !== before.node
      const isChanged = JSON.stringify({ ...values, node: '' }) !== JSON.stringify({ ...before, node: '' })
      const saved = isChanged || !isMoved ? await api.updateKey(base.id, keyChanges(values, base), version) : { ...base, version, warnings: [] }
      return isMoved ? { ...saved, ...(await api.moveKey(base.id, values.node || null, saved.version)) } : saved
    },
    onSuccess: async (saved) => {
      setConflict(null)
      setBase(saved)
      setValues(keyValues(saved))
      await changed('keys')
    },
    onError: (error) => {
      if (error instanceof ApiError && error.code === 'version_conflict' && error.current) setConflict(error.current as Key)
    },
  })
  const submit = () => {
    const found = keyProblems(values)
    setProblems(found)
    if (Object.keys(found).length === 0) save.mutate({ version: base.version })
  }
  const resolve = (mine: boolean) => {
    if (!conflict) return
    setBase(conflict)
    if (mine) return save.mutate({ version: conflict.version })
    setValues(keyValues(conflict))
    setConflict(null)
  }
  return { base, values, setValues, problems, conflict, save, submit, resolve, dirty: JSON.stringify(values) !== JSON.stringify(keyValues(base)) }
}

const Requests = ({ of }: { of: Key }) => (
  <Link to="/requests" search={{ key: of.id }} className={button()}>
    Its requests
  </Link>
)

function EditKey({ row, clock, onClose }: { row: Key; clock: Clock; onClose: () => void }) {
  const { base, values, setValues, problems, conflict, save, submit, resolve, dirty } = useKeyEdit(row)
  // The list is read again while this is open.
  const budget = row.version >= base.version ? row.budget : base.budget
  const may = useMay()
  const [layer, setLayer] = useState<'revoke' | 'rotate' | null>(null)
  const readOnly = base.managed_by !== 'api' || base.status === 'revoked' || !may('keys:write')
  const turn = base.status === 'active' ? 'disabled' : 'active'
  const footer = readOnly ? (
    <Requests of={base} />
  ) : (
    <>
      <Button type="submit" look="primary" disabled={!dirty || save.isPending}>
        {save.isPending ? 'Saving…' : dirty ? 'Save changes' : 'Saved'}
      </Button>
      <Button disabled={save.isPending} onClick={() => save.mutate({ status: turn, version: base.version })}>
        {turn === 'disabled' ? 'Disable key' : 'Enable key'}
      </Button>
      <Button onClick={() => setLayer('rotate')}>Rotate…</Button>
      <Requests of={base} />
      <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => setLayer('revoke')}>
        Revoke key…
      </Button>
    </>
  )
  if (layer === 'revoke') return <Revoke row={base} onClose={() => setLayer(null)} onDone={onClose} />
  if (layer === 'rotate') return <Rotate row={base} onClose={() => setLayer(null)} onDone={onClose} />
  return (
    <Sheet title={base.name} note={base.node.name} onClose={onClose} footer={footer} {...(readOnly ? {} : { onSubmit: submit })}>
      <Facts row={{ ...base, budget }} clock={clock} />
      {(budget || save.data) && (
        <div className="mb-4 grid gap-2">
          {budget && <BudgetState budget={budget} zone={clock.zone} of={base.name} />}
          <Warnings texts={dirty ? [] : (save.data?.warnings ?? [])} />
        </div>
      )}
      {base.managed_by !== 'api' && (
        <div className="mb-4">
          <Declared by={base.managed_by === 'file' ? 'megarouter.yaml' : 'the environment'}>; it is read again at once</Declared>
        </div>
      )}
      {conflict && <Conflict what={base.name} mine={shown(values)} theirs={shown(keyValues(conflict))} onMine={() => resolve(true)} onTheirs={() => resolve(false)} />}
      <div className="grid gap-4">
        <KeyFields values={values} onChange={setValues} problems={problems} disabled={readOnly} />
        <PlacedFields values={values} onChange={setValues} of={base} error={save.error} disabled={readOnly} />
        {!conflict && <FormError>{save.error?.message}</FormError>}
      </div>
    </Sheet>
  )
}

function NewKey({ node, onClose }: { node: string; onClose: () => void }) {
  const [values, setValues] = useState<KeyValues>({ ...emptyKey, node })
  const [problems, setProblems] = useState<Problems>({})
  const create = useMutation({ mutationFn: () => api.createKey(newKeyInput(values)), onSuccess: () => changed('keys') })
  const submit = () => {
    const found = keyProblems(values)
    setProblems(found)
    if (Object.keys(found).length === 0) create.mutate()
  }
  if (create.data)
    return (
      <Sheet
        title={`${create.data.name} is ready`}
        onClose={onClose}
        footer={
          <Button look="primary" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <SecretBox title="Your key" secret={create.data.key ?? ''} />
        <p className="mt-3 text-fg-2">Only its last four characters are shown from now on. Who loses it makes another and revokes this one.</p>
      </Sheet>
    )
  return (
    <Sheet
      title="Create key"
      note="It works within a second, on every endpoint."
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button type="submit" look="primary" disabled={create.isPending}>
            {create.isPending ? 'Creating key…' : 'Create key'}
          </Button>
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <KeyFields values={values} onChange={setValues} problems={problems} />
        <PlacedFields values={values} onChange={setValues} of={null} error={create.error} disabled={false} />
        <FormError>{create.error?.message}</FormError>
      </div>
    </Sheet>
  )
}

/** `node`: where a new one belongs at first. */
export const KeySheet = ({ row, node, clock, onClose }: { row: Key | null; node: string; clock: Clock; onClose: () => void }) =>
  row ? <EditKey row={row} clock={clock} onClose={onClose} /> : <NewKey node={node} onClose={onClose} />

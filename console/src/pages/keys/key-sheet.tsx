/** One key in a side sheet: create, edit on the version that was read, disable, revoke with its consequence in numbers. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, api } from '../../api.ts'
import type { Key } from '../../api-types.ts'
import { ago, type Clock, instant, money, plural } from '../../format.ts'
import { changed } from '../../queries.ts'
import { Declared } from '../../ui/bits.tsx'
import { BudgetState, Warnings } from '../../ui/budget.tsx'
import { Button, button } from '../../ui/button.tsx'
import { SecretBox } from '../../ui/copy.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/field.tsx'
import { emptyKey, keyChanges, KeyFields, keyInput, keyProblems, keyValues, type KeyValues } from '../../ui/key-form.tsx'
import { KeyState } from './keys.tsx'

type Problems = Partial<Record<keyof KeyValues, string>>

function Revoke({ row, onClose, onDone }: { row: Key; onClose: () => void; onDone: () => void }) {
  const hour = useQuery({
    queryKey: ['usage', 'last-hour', row.id],
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
        {used === undefined
          ? 'Counting the last hour…'
          : used === 0
            ? 'No request used it in the last hour. From now on its requests are refused within 1 s.'
            : `${plural(used, 'request')} used it in the last hour; they will be refused within 1 s, and running streams are cut.`}{' '}
        This can’t be undone. Its usage is kept.
      </p>
      <FormError>{revoke.error?.message}</FormError>
    </Dialog>
  )
}

/** Both versions of a key that someone else changed meanwhile. */
function Conflict({ current, mine, onMine, onTheirs }: { current: Key; mine: KeyValues; onMine: () => void; onTheirs: () => void }) {
  const theirs = keyValues(current)
  const differing = (Object.keys(theirs) as (keyof KeyValues)[]).filter((name) => theirs[name] !== mine[name])
  return (
    <section role="alert" className="mb-4 grid gap-2 rounded-3 border border-line border-l-3 border-l-warn px-3.5 py-3">
      <p className="font-medium">This key was changed meanwhile. Compare both versions.</p>
      <table className="text-12">
        <thead>
          <tr>
            <th scope="col" className="py-1 text-left font-medium text-fg-3">
              Field
            </th>
            <th scope="col" className="py-1 text-left font-medium text-fg-3">
              Yours
            </th>
            <th scope="col" className="py-1 text-left font-medium text-fg-3">
              Theirs
            </th>
          </tr>
        </thead>
        <tbody>
          {differing.map((name) => (
            <tr key={name}>
              <th scope="row" className="py-0.5 text-left font-normal">
                {name}
              </th>
              <td>{mine[name] || 'none'}</td>
              <td>{theirs[name] || 'none'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="flex gap-2">
        <Button size="s" onClick={onMine}>
          Keep mine
        </Button>
        <Button size="s" onClick={onTheirs}>
          Take theirs
        </Button>
      </div>
    </section>
  )
}

function Facts({ row, clock }: { row: Key; clock: Clock }) {
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 text-12 text-fg-2">
      <KeyState row={row} clock={clock} />
      <code className="mono">
        {row.prefix}…{row.last4}
      </code>
      <span className="num">
        {money(row.spent_month_nano)} this month in {plural(row.requests_month, 'request')}
      </span>
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
    mutationFn: ({ status, version }: { status?: 'active' | 'disabled'; version: number }) =>
      api.updateKey(base.id, status ? { status } : keyChanges(values), version),
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
  const [revoking, setRevoking] = useState(false)
  const readOnly = base.managed_by !== 'api' || base.status === 'revoked'
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
      <Requests of={base} />
      <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => setRevoking(true)}>
        Revoke key…
      </Button>
    </>
  )
  if (revoking) return <Revoke row={base} onClose={() => setRevoking(false)} onDone={onClose} />
  return (
    <Sheet title={base.name} onClose={onClose} footer={footer} {...(readOnly ? {} : { onSubmit: submit })}>
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
      {conflict && <Conflict current={conflict} mine={values} onMine={() => resolve(true)} onTheirs={() => resolve(false)} />}
      <div className="grid gap-4">
        <KeyFields values={values} onChange={setValues} problems={problems} disabled={readOnly} />
        {!conflict && <FormError>{save.error?.message}</FormError>}
      </div>
    </Sheet>
  )
}

function NewKey({ onClose }: { onClose: () => void }) {
  const [values, setValues] = useState<KeyValues>(emptyKey)
  const [problems, setProblems] = useState<Problems>({})
  const create = useMutation({ mutationFn: () => api.createKey(keyInput(values)), onSuccess: () => changed('keys') })
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
        <FormError>{create.error?.message}</FormError>
      </div>
    </Sheet>
  )
}

export const KeySheet = ({ row, clock, onClose }: { row: Key | null; clock: Clock; onClose: () => void }) =>
  row ? <EditKey row={row} clock={clock} onClose={onClose} /> : <NewKey onClose={onClose} />

/** One team or project in a side sheet: what limits it, who has which role, where it stood, and its edits. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { govern } from '../../govern/api.ts'
import { Conflict, currentOf } from '../../govern/conflict.tsx'
import { NodeSelect } from '../../govern/node-select.tsx'
import { governed, useMay } from '../../govern/queries.ts'
import { RuleUse } from '../../govern/rule-use.tsx'
import type { Branch, TreeNode } from '../../govern/types.ts'
import { day, plural } from '../../format.ts'
import { changed, useZone } from '../../queries.ts'
import { Declared } from '../../ui/bits.tsx'
import { Button, link } from '../../ui/button.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { Field, FormError, TextField } from '../../ui/field.tsx'
import { Load } from '../../ui/state.tsx'
import { Members } from './members.tsx'
import { NodeDefaults } from './node-defaults.tsx'

const Section = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <section aria-label={title} className="border-t border-line pt-3">
    <h3 className="mb-2 font-medium">{title}</h3>
    {children}
  </section>
)

function Delete({ node, onClose, onDone }: { node: TreeNode; onClose: () => void; onDone: () => void }) {
  const remove = useMutation({
    mutationFn: () => govern.deleteNode(node.kind, node.id, node.version),
    onSuccess: async () => {
      await changed('tree', 'memberships', 'budgets', 'limits', 'policies')
      onDone()
    },
  })
  return (
    <Dialog
      title={`Delete ${node.name}?`}
      onClose={onClose}
      onSubmit={() => remove.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Keep {node.kind}</Button>
          <Button type="submit" look="danger" disabled={remove.isPending || node.parts + node.keys > 0}>
            {remove.isPending ? 'Deleting…' : `Delete ${node.kind}`}
          </Button>
        </>
      }
    >
      <p className="text-fg-2">
        {node.parts + node.keys > 0
          ? `It still holds ${plural(node.parts, 'team or project', 'teams and projects')} and ${plural(node.keys, 'key')}. Move or delete them first.`
          : 'Its roles, budgets, limits and policies go with it. Its usage and its name stay in every report.'}
      </p>
      <FormError>{remove.error?.message}</FormError>
    </Dialog>
  )
}

function History({ node }: { node: TreeNode }) {
  const zone = useZone()
  const stays = useQuery(governed.nodeHistory(node.kind, node.id)).data?.data ?? []
  if (stays.length < 2) return null
  return (
    <Section title="Where it stood">
      <ul className="num grid gap-1 text-12 text-fg-2">
        {stays.map((stay) => (
          <li key={stay.from}>
            {stay.parent?.name ?? 'directly below the organisation'}, {day(stay.from, zone)} – {stay.to ? day(stay.to, zone) : 'now'}
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** What the reader may not see is not counted. */
function Rules({ node }: { node: TreeNode }) {
  const zone = useZone()
  const isOfNode = ({ subject }: { subject: { id: string } }): boolean => subject.id === node.id
  const budgets = useQuery(governed.budgets).data?.data.filter(isOfNode)
  const limits = useQuery(governed.limits).data?.data.filter(isOfNode)
  const policies = useQuery(governed.policies).data?.data.filter(isOfNode)
  const counted = [limits && plural(limits.length, 'rate limit'), policies && plural(policies.length, 'model policy', 'model policies')].filter((text) => text !== undefined)
  if (!budgets && counted.length === 0) return null
  return (
    <Section title="What limits it">
      <div className="grid gap-2">
        {budgets?.map((rule) => (
          <RuleUse key={rule.id} rule={rule} zone={zone} />
        ))}
        <p className="text-12 text-fg-3">
          {budgets?.length === 0 && 'No budget of its own. '}
          {counted.length > 0 && `${counted.join(', ')} of its own; those of what is above it hold too.`}
        </p>
      </div>
    </Section>
  )
}

interface Values {
  name: string
  description: string
  weight: string
  parent: string | null
}
const valuesOf = (node: TreeNode): Values => ({ name: node.name, description: node.description, weight: String(node.weight), parent: node.parent_id })
const shown = ({ name, description, weight }: Values): Record<string, string> => ({ Name: name, Description: description, Share: weight })

function useNodeEdit(node: TreeNode) {
  const [base, setBase] = useState(node)
  const [values, setValues] = useState(valuesOf(node))
  const save = useMutation({
    mutationFn: async (version: number) => {
      const { name, description, weight, parent } = values
      const patch = {
        ...(name !== base.name && { name }),
        ...(description !== base.description && { description }),
        ...(Number(weight) !== base.weight && { weight: Number(weight) }),
      }
      const renamed = Object.keys(patch).length > 0 ? await govern.updateNode(base.kind, base.id, patch, version) : base
      return parent === base.parent_id ? renamed : govern.moveNode(base.kind, base.id, parent, renamed.version)
    },
    onSuccess: async (saved) => {
      setBase(saved)
      setValues(valuesOf(saved))
      await changed('tree')
    },
  })
  const dirty = JSON.stringify(values) !== JSON.stringify(valuesOf(base))
  return { base, setBase, values, setValues, save, dirty }
}

/** What is not of the node itself, as far as the reader may see it. Setting defaults makes a new version of the node. */
function Below({ node, onDefaults }: { node: TreeNode; onDefaults: (version: number) => void }) {
  const may = useMay()
  return (
    <>
      <Rules node={node} />
      {may('routing:read') && (
        <Section title="What it sets for those below">
          <NodeDefaults node={node} onSaved={onDefaults} />
        </Section>
      )}
      {may('members:read') && (
        <Section title="Who has which role here">
          <Members node={node.id} />
        </Section>
      )}
      <History node={node} />
    </>
  )
}

function Edit({ node, onClose }: { node: TreeNode; onClose: () => void }) {
  const { base, setBase, values, setValues, save, dirty } = useNodeEdit(node)
  const may = useMay()
  const [deleting, setDeleting] = useState(false)
  const readOnly = base.managed_by !== 'api' || !may('teams:write')
  const current = currentOf<TreeNode>(save.error)
  const set = (patch: Partial<Values>): void => setValues({ ...values, ...patch })
  if (deleting) return <Delete node={base} onClose={() => setDeleting(false)} onDone={onClose} />
  const footer = readOnly ? null : (
    <>
      <Button type="submit" look="primary" disabled={!dirty || save.isPending}>
        {save.isPending ? 'Saving…' : dirty ? 'Save changes' : 'Saved'}
      </Button>
      <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => setDeleting(true)}>
        Delete {base.kind}…
      </Button>
    </>
  )
  const take = (mine: boolean): void => {
    setBase(current!)
    if (mine) save.mutate(current!.version)
    else {
      setValues(valuesOf(current!))
      save.reset()
    }
  }
  return (
    <Sheet
      title={base.name}
      note={[...base.path.map(({ name }) => name), base.kind].join(' › ')}
      onClose={onClose}
      footer={footer}
      {...(readOnly ? {} : { onSubmit: () => save.mutate(base.version) })}
    >
      <div className="grid gap-4">
        {base.managed_by !== 'api' && <Declared by="megarouter.yaml">; it is read again at once</Declared>}
        {current && <Conflict what={base.name} mine={shown(values)} theirs={shown(valuesOf(current))} onMine={() => take(true)} onTheirs={() => take(false)} />}
        <TextField label="Name" value={values.name} maxLength={128} disabled={readOnly} onChange={(event) => set({ name: event.target.value })} />
        <Field label="Below" help="A move takes everything below along. What was used stays where it happened.">
          {(described) => <NodeSelect {...described} value={values.parent} onChange={(parent) => set({ parent })} teamsOnly without={base.id} disabled={readOnly} />}
        </Field>
        <TextField label="Description" optional value={values.description} maxLength={1000} disabled={readOnly} onChange={(event) => set({ description: event.target.value })} />
        <TextField
          label="Share of a vendor’s quota"
          help="Among those beside it: a share of 2 gets twice what a share of 1 gets when a vendor’s own limit is short."
          type="number"
          min={1}
          inputClass="num"
          value={values.weight}
          disabled={readOnly || !may('limits:write')}
          onChange={(event) => set({ weight: event.target.value })}
        />
        {!current && <FormError>{save.error?.message}</FormError>}
        <p className="text-12">
          <Link to="/keys" search={{ team: base.id }} className={link}>
            {plural(base.keys, 'key')}
          </Link>
          <span className="text-fg-3"> at it and below, {plural(base.parts, 'team or project', 'teams and projects')} directly below.</span>
        </p>
        <Below node={base} onDefaults={(version) => setBase({ ...base, version })} />
      </div>
    </Sheet>
  )
}

export function NodeSheet({ branch, onClose }: { branch: Branch; onClose: () => void }) {
  const node = useQuery(governed.node(branch.kind, branch.id))
  if (node.data) return <Edit key={node.data.id} node={node.data} onClose={onClose} />
  return (
    <Sheet title={branch.name} onClose={onClose}>
      <Load of={node}>{() => null}</Load>
    </Sheet>
  )
}

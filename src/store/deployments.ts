/** Deployments that an operator declared, besides those that follow from the catalogue. */
import { completeVector, type PriceVector } from '../catalog/price.ts'
import type { DeclaredFacts } from '../governance/model-class.ts'
import type { Read, Write } from './database.ts'
import { boundedLimit, checkEdit, decodeCursor, NameTakenError, nextRevision, pageOf, type Edit, type Page, type PageRequest } from './edits.ts'
import type { DeploymentRow, ManagedBy } from './tables.ts'

export interface Deployment {
  id: string
  org: string
  /** The name clients use. */
  model: string
  provider: string
  upstreamModel: string
  /** Null: the catalogue's price of `priceAs`, or of the upstream model, applies. */
  price: PriceVector | null
  priceAs: string | null
  /** What the operator states of it himself; null: nothing. */
  facts: DeclaredFacts | null
  version: number
  revision: number
  managedBy: ManagedBy
  createdAt: number
  updatedAt: number
  /** True only in `changesSince`. */
  deleted: boolean
}

export type NewDeployment = Pick<Deployment, 'id' | 'org' | 'model' | 'provider' | 'upstreamModel'> & Partial<Pick<Deployment, 'price' | 'priceAs' | 'facts' | 'managedBy'>>
export type DeploymentPatch = Partial<Pick<Deployment, 'model' | 'provider' | 'upstreamModel' | 'price' | 'priceAs' | 'facts'>>

export const deploymentFromRow = (row: DeploymentRow): Deployment => ({
  id: row.id, org: row.org_id, model: row.model, provider: row.provider_id, upstreamModel: row.upstream_model,
  price: row.price === null ? null : completeVector(JSON.parse(row.price) as PriceVector), priceAs: row.price_as, facts: row.facts === null ? null : JSON.parse(row.facts) as DeclaredFacts,
  version: row.version, revision: row.revision, managedBy: row.managed_by, createdAt: row.created_at, updatedAt: row.updated_at, deleted: row.deleted_at !== null,
})

const target = ({ model, provider, upstreamModel, price, priceAs, facts }: Required<DeploymentPatch>) =>
  ({ model, provider_id: provider, upstream_model: upstreamModel, price: price === null ? null : JSON.stringify(price), price_as: priceAs, facts: facts === null ? null : JSON.stringify(facts) })

/** Creates the deployment, or revives a deleted one of that id. */
export async function createDeployment(write: Write, deployment: NewDeployment): Promise<Deployment> {
  const { id, org } = deployment
  const known = await write.kysely.selectFrom('deployment').selectAll().where('org_id', '=', org).where('id', '=', id).executeTakeFirst()
  if (known !== undefined && known.deleted_at === null) throw new NameTakenError('deployment', id)
  const row: DeploymentRow = {
    id, org_id: org, ...target({ price: null, priceAs: null, facts: null, ...deployment }),
    version: (known?.version ?? 0) + 1, revision: await nextRevision(write), managed_by: deployment.managedBy ?? 'api',
    created_at: known?.created_at ?? write.at, updated_at: write.at, deleted_at: null,
  }
  await write.kysely.insertInto('deployment').values(row).onConflict((conflict) => conflict.columns(['org_id', 'id']).doUpdateSet(row)).execute()
  return deploymentFromRow(row)
}

export async function findDeployment({ kysely }: Read, org: string, id: string): Promise<Deployment | null> {
  const row = await kysely.selectFrom('deployment').selectAll().where('org_id', '=', org).where('id', '=', id).where('deleted_at', 'is', null).executeTakeFirst()
  return row === undefined ? null : deploymentFromRow(row)
}

/** By id. `model`: the name that clients use, exactly. */
export async function listDeployments({ kysely }: Read, org: string, page: PageRequest & { model?: string | undefined }): Promise<Page<Deployment>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('deployment').selectAll().where('org_id', '=', org).where('deleted_at', 'is', null).orderBy('id').limit(limit + 1)
  if (page.cursor) query = query.where('id', '>', decodeCursor(page.cursor))
  if (page.model !== undefined) query = query.where('model', '=', page.model)
  return pageOf((await query.execute()).map(deploymentFromRow), limit, (deployment) => deployment.id)
}

export async function updateDeployment(write: Write, org: string, id: string, patch: DeploymentPatch, edit: Edit = {}): Promise<Deployment | null> {
  const current = await findDeployment(write, org, id)
  if (current === null) return null
  checkEdit(current, edit)
  return save(write, { ...current, ...patch, managedBy: edit.by ?? current.managedBy })
}

export async function deleteDeployment(write: Write, org: string, id: string, edit: Edit = {}): Promise<Deployment | null> {
  const current = await findDeployment(write, org, id)
  if (current === null) return null
  checkEdit(current, edit)
  return save(write, { ...current, deleted: true })
}

async function save(write: Write, deployment: Deployment): Promise<Deployment> {
  const changed = { version: deployment.version + 1, revision: await nextRevision(write) }
  await write.kysely.updateTable('deployment')
    .set({ ...target(deployment), managed_by: deployment.managedBy, updated_at: write.at, deleted_at: deployment.deleted ? write.at : null, ...changed })
    .where('org_id', '=', deployment.org).where('id', '=', deployment.id).execute()
  return { ...deployment, ...changed, updatedAt: write.at }
}

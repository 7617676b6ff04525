/** All resources of the admin API. The console's client is typed from here. */
import { alerts } from './alerts/routes.ts'
import { aliases } from './aliases/routes.ts'
import { audit } from './audit/routes.ts'
import { budgets } from './budget-rules/routes.ts'
import { cache } from './cache/routes.ts'
import { catalog } from './catalog/routes.ts'
import { configuration } from './config/routes.ts'
import { deployments } from './deployments/routes.ts'
import { events } from './events/routes.ts'
import { explanations } from './explain/routes.ts'
import { increases } from './increases/routes.ts'
import { keyRenewal } from './keys/renewal.ts'
import { keys } from './keys/routes.ts'
import { ledger } from './ledger/routes.ts'
import { limits } from './limits/routes.ts'
import { links } from './links/routes.ts'
import { memberships } from './members/routes.ts'
import { models } from './models/routes.ts'
import { nodeDefaults } from './nodes/defaults.ts'
import { nodes } from './nodes/routes.ts'
import { tree } from './nodes/tree.ts'
import { oidcProviders } from './oidc-providers/routes.ts'
import { organisations } from './organisations/routes.ts'
import { policies } from './policies/routes.ts'
import { profile } from './profile/routes.ts'
import { credentials } from './providers/credentials.ts'
import { providerModels } from './providers/models.ts'
import { providers } from './providers/routes.ts'
import { requests } from './requests/routes.ts'
import { roles } from './roles/routes.ts'
import { router } from './router.ts'
import { routingDecisions } from './routing/decisions.ts'
import { routingExplanations } from './routing/explain.ts'
import { routingModels } from './routing/models.ts'
import { routingPolicies } from './routing-policies/routes.ts'
import { serviceAccounts } from './service-accounts/routes.ts'
import type { Services } from './services.ts'
import { session } from './session/routes.ts'
import { settings } from './settings/routes.ts'
import { setup } from './setup/routes.ts'
import { status } from './status/routes.ts'
import { tokens } from './tokens/routes.ts'
import { usage } from './usage/routes.ts'
import { users } from './users/routes.ts'
import { vendors } from './vendors/routes.ts'

/** Who is there, and what limits them. */
const governance = (services: Services) => router()
  .route('/', organisations(services))
  .route('/', tree(services))
  .route('/', nodes(services, 'team'))
  .route('/', nodes(services, 'project'))
  .route('/', nodeDefaults(services, 'team'))
  .route('/', nodeDefaults(services, 'project'))
  .route('/', users(services))
  .route('/', serviceAccounts(services))
  .route('/', memberships(services))
  .route('/', roles(services))
  .route('/', budgets(services))
  .route('/', increases(services))
  .route('/', limits(services))
  .route('/', policies(services))
  .route('/', alerts(services))
  .route('/', explanations(services))
  .route('/', audit(services))

export const createApi = (services: Services) => router()
  .route('/', setup(services))
  .route('/', session(services))
  .route('/', profile(services))
  .route('/', tokens(services))
  .route('/', links(services))
  .route('/', oidcProviders(services))
  .route('/', keys(services))
  .route('/', keyRenewal(services))
  .route('/', governance(services))
  .route('/', vendors(services))
  .route('/', providers(services))
  .route('/', credentials(services))
  .route('/', providerModels(services))
  .route('/', aliases(services))
  .route('/', routingDecisions(services))
  .route('/', routingModels(services))
  .route('/', routingExplanations(services))
  .route('/', routingPolicies(services))
  .route('/', deployments(services))
  .route('/', models(services))
  .route('/', catalog(services))
  .route('/', usage(services))
  .route('/', ledger(services))
  .route('/', requests(services))
  .route('/', events(services))
  .route('/', status(services))
  .route('/', settings(services))
  .route('/', cache(services))
  .route('/', configuration(services))

export type AdminApi = ReturnType<typeof createApi>

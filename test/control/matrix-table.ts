/**
 * Gate G1: what each route of the admin API asks for, written by hand from what the route is for, and never from its declaration. A route
 * that is not here fails the test. `where`: at a `node` or below it; `above` it, for what limits it; in the `organisation` as a whole;
 * `anywhere`, for lists that show what lies within. All ids in paths are those of things at one team, see matrix-world.ts.
 */
import type { Permission } from '../../src/governance/permissions.ts'

export type Where = 'node' | 'above' | 'organisation' | 'anywhere'
export type Rule = 'open' | 'self' | { permission: Permission; where: Where }

const table = `
GET    /api/v1/setup                                              open
POST   /api/v1/setup/claim                                        open
GET    /api/v1/openapi.json                                       open
GET    /api/docs                                                  open
GET    /api/docs.css                                              open
GET    /*                                                         open
POST   /api/v1/session                                            open
POST   /api/v1/session/second-factor                              open
GET    /api/v1/session/oidc                                       open
POST   /api/v1/session/oidc/:id/start                             open
GET    /api/v1/session/oidc/:id/callback                          open
POST   /api/v1/links/look                                         open
POST   /api/v1/links/password                                     open
POST   /api/v1/links/reset                                        open

GET    /api/v1/session                                            self
DELETE /api/v1/session                                            self
GET    /api/v1/profile                                            self
POST   /api/v1/profile/password                                   self
POST   /api/v1/profile/second-factor                              self
POST   /api/v1/profile/second-factor/confirm                      self
POST   /api/v1/profile/second-factor/remove                       self
POST   /api/v1/profile/second-factor/recovery-codes               self
GET    /api/v1/profile/tokens                                     self
POST   /api/v1/profile/tokens                                     tokens:write            anywhere
POST   /api/v1/profile/tokens/:id/rotate                          tokens:write            anywhere
DELETE /api/v1/profile/tokens/:id                                 tokens:write            anywhere
GET    /api/v1/status                                             self
GET    /api/v1/vendors                                            self

GET    /api/v1/organisation                                       self
PATCH  /api/v1/organisation                                       organisation:write      organisation
GET    /api/v1/organisations                                      organisations:write     organisation
POST   /api/v1/organisations                                      organisations:write     organisation
GET    /api/v1/organisations/:id                                  organisations:write     organisation
PATCH  /api/v1/organisations/:id                                  organisations:write     organisation
DELETE /api/v1/organisations/:id                                  organisations:write     organisation
GET    /api/v1/users                                              members:read            anywhere
GET    /api/v1/users/:id                                          members:read            anywhere
POST   /api/v1/users                                              users:write             organisation
PATCH  /api/v1/users/:id                                          users:write             organisation
DELETE /api/v1/users/:id                                          users:write             organisation
POST   /api/v1/users/:id/end-sessions                             users:write             organisation
POST   /api/v1/users/:id/invitation                               users:write             organisation
POST   /api/v1/users/:id/password-reset                           users:write             organisation
POST   /api/v1/users/:id/oidc-link                                users:write             organisation
DELETE /api/v1/users/:id/second-factor                            users:write             organisation

GET    /api/v1/tree                                               teams:read              anywhere
GET    /api/v1/teams                                              teams:read              anywhere
POST   /api/v1/teams                                              teams:write             node
GET    /api/v1/teams/:id                                          teams:read              node
GET    /api/v1/teams/:id/history                                  teams:read              node
PATCH  /api/v1/teams/:id                                          teams:write             node
POST   /api/v1/teams/:id/move                                     teams:write             node
DELETE /api/v1/teams/:id                                          teams:write             above
GET    /api/v1/teams/:id/defaults                                 routing:read            node
PUT    /api/v1/teams/:id/defaults                                 routing:write           node
GET    /api/v1/teams/:id/credentials                              providers:read          node
POST   /api/v1/teams/:id/credentials                              providers:write         node
DELETE /api/v1/teams/:id/credentials/:credential_id               providers:write         node
GET    /api/v1/projects                                           teams:read              anywhere
POST   /api/v1/projects                                           teams:write             node
GET    /api/v1/projects/:id                                       teams:read              node
GET    /api/v1/projects/:id/history                               teams:read              node
PATCH  /api/v1/projects/:id                                       teams:write             node
POST   /api/v1/projects/:id/move                                  teams:write             node
DELETE /api/v1/projects/:id                                       teams:write             node
GET    /api/v1/projects/:id/defaults                              routing:read            node
PUT    /api/v1/projects/:id/defaults                              routing:write           node
GET    /api/v1/projects/:id/credentials                           providers:read          node
POST   /api/v1/projects/:id/credentials                           providers:write         node
DELETE /api/v1/projects/:id/credentials/:credential_id            providers:write         node

GET    /api/v1/service-accounts                                   members:read            anywhere
POST   /api/v1/service-accounts                                   service_accounts:write  node
GET    /api/v1/service-accounts/:id                               members:read            node
PATCH  /api/v1/service-accounts/:id                               service_accounts:write  node
DELETE /api/v1/service-accounts/:id                               service_accounts:write  node
GET    /api/v1/service-accounts/:id/tokens                        members:read            node
POST   /api/v1/service-accounts/:id/tokens                        service_accounts:write  node
POST   /api/v1/service-accounts/:id/tokens/:token_id/rotate       service_accounts:write  node
DELETE /api/v1/service-accounts/:id/tokens/:token_id              service_accounts:write  node
GET    /api/v1/memberships                                        members:read            anywhere
POST   /api/v1/memberships                                        members:write           node
GET    /api/v1/memberships/:id                                    members:read            node
DELETE /api/v1/memberships/:id                                    members:write           node
GET    /api/v1/permissions                                        members:read            anywhere
GET    /api/v1/roles                                              members:read            anywhere
GET    /api/v1/roles/:id                                          members:read            anywhere
POST   /api/v1/roles                                              roles:write             organisation
PATCH  /api/v1/roles/:id                                          roles:write             organisation
DELETE /api/v1/roles/:id                                          roles:write             organisation
GET    /api/v1/oidc-providers                                     settings:read           organisation
GET    /api/v1/oidc-providers/:id                                 settings:read           organisation
POST   /api/v1/oidc-providers                                     identity:write          organisation
PATCH  /api/v1/oidc-providers/:id                                 identity:write          organisation
DELETE /api/v1/oidc-providers/:id                                 identity:write          organisation

GET    /api/v1/keys                                               keys:read               anywhere
POST   /api/v1/keys                                               keys:write              node
GET    /api/v1/keys/:id                                           keys:read               node
PATCH  /api/v1/keys/:id                                           keys:write              node
DELETE /api/v1/keys/:id                                           keys:write              node
POST   /api/v1/keys/:id/playground                                keys:use_any            node
POST   /api/v1/keys/:id/rotate                                    keys:write              node
POST   /api/v1/keys/:id/move                                      keys:write              node

GET    /api/v1/keys/:id/effective                                 keys:read               node
POST   /api/v1/explain                                            policies:read           node

GET    /api/v1/budgets                                            budgets:read            anywhere
POST   /api/v1/budgets                                            budgets:write           above
GET    /api/v1/budgets/:id                                        budgets:read            node
PATCH  /api/v1/budgets/:id                                        budgets:write           above
DELETE /api/v1/budgets/:id                                        budgets:write           above
POST   /api/v1/budgets/:id/increases                              budgets:request         node
GET    /api/v1/budget-increases                                   budgets:read            anywhere
GET    /api/v1/budget-increases/:id                               budgets:read            node
POST   /api/v1/budget-increases/:id/approve                       budgets:approve         above
POST   /api/v1/budget-increases/:id/deny                          budgets:approve         above
POST   /api/v1/budget-increases/:id/withdraw                      budgets:read            node
POST   /api/v1/budget-increases/:id/revoke                        budgets:read            node
GET    /api/v1/limits                                             limits:read             anywhere
POST   /api/v1/limits                                             limits:write            above
GET    /api/v1/limits/:id                                         limits:read             node
PATCH  /api/v1/limits/:id                                         limits:write            above
DELETE /api/v1/limits/:id                                         limits:write            above
GET    /api/v1/policies                                           policies:read           anywhere
POST   /api/v1/policies                                           policies:write          above
GET    /api/v1/policies/:id                                       policies:read           node
PATCH  /api/v1/policies/:id                                       policies:write          above
DELETE /api/v1/policies/:id                                       policies:write          above
GET    /api/v1/alert-channels                                     alerts:read             organisation
POST   /api/v1/alert-channels                                     alerts:write            organisation
GET    /api/v1/alert-channels/:id                                 alerts:read             organisation
PATCH  /api/v1/alert-channels/:id                                 alerts:write            organisation
DELETE /api/v1/alert-channels/:id                                 alerts:write            organisation
POST   /api/v1/alert-channels/:id/test                            alerts:write            organisation
GET    /api/v1/alerts                                             alerts:read             organisation
POST   /api/v1/alerts/:id/redeliver                               alerts:write            organisation
GET    /api/v1/audit                                              audit:read              organisation
GET    /api/v1/audit/verify                                       audit:read              organisation
GET    /api/v1/audit/export                                       audit:read              organisation

GET    /api/v1/providers                                          providers:read          anywhere
POST   /api/v1/providers                                          providers:write         organisation
GET    /api/v1/providers/:id                                      providers:read          anywhere
PATCH  /api/v1/providers/:id                                      providers:write         organisation
DELETE /api/v1/providers/:id                                      providers:write         organisation
POST   /api/v1/providers/:id/credentials                          providers:write         organisation
DELETE /api/v1/providers/:id/credentials/:credential_id           providers:write         organisation
POST   /api/v1/providers/:id/test                                 providers:write         organisation
GET    /api/v1/providers/:id/models                               providers:read          anywhere
POST   /api/v1/providers/:id/models/refresh                       providers:write         organisation
GET    /api/v1/aliases                                            routing:read            anywhere
POST   /api/v1/aliases                                            routing:write           organisation
GET    /api/v1/aliases/:name                                      routing:read            anywhere
PATCH  /api/v1/aliases/:name                                      routing:write           organisation
DELETE /api/v1/aliases/:name                                      routing:write           organisation
GET    /api/v1/deployments                                        routing:read            anywhere
POST   /api/v1/deployments                                        routing:write           organisation
PATCH  /api/v1/deployments/:id                                    routing:write           organisation
DELETE /api/v1/deployments/:id                                    routing:write           organisation
GET    /api/v1/routing/policies                                   routing:read            anywhere
POST   /api/v1/routing/policies                                   routing:write           organisation
GET    /api/v1/routing/policies/:name                             routing:read            anywhere
PATCH  /api/v1/routing/policies/:name                             routing:write           organisation
DELETE /api/v1/routing/policies/:name                             routing:write           organisation
POST   /api/v1/routing/policies/preview                           routing:read            anywhere
GET    /api/v1/routing/decisions                                  routing:read            anywhere
GET    /api/v1/routing/decisions/:id                              routing:read            node
GET    /api/v1/routing/savings                                    usage:read              anywhere
GET    /api/v1/routing/models                                     routing:read            anywhere
GET    /api/v1/routing/models/export                              routing:read            organisation
POST   /api/v1/routing/models/reset                               routing:write           organisation
POST   /api/v1/routing/models/:model/approve                      routing:write           organisation
POST   /api/v1/routing/models/:model/reject                       routing:write           organisation
GET    /api/v1/routing/events                                     routing:read            anywhere
POST   /api/v1/routing/explain                                    routing:read            node
GET    /api/v1/models                                             routing:read            anywhere

GET    /api/v1/catalog                                            system:read             organisation
GET    /api/v1/catalog/versions                                   system:read             organisation
GET    /api/v1/catalog/entries                                    system:read             organisation
GET    /api/v1/catalog/changes                                    system:read             organisation
GET    /api/v1/catalog/history                                    system:read             organisation
POST   /api/v1/catalog/changes/approve                            catalogue:write         organisation
POST   /api/v1/catalog/changes/reject                             catalogue:write         organisation
POST   /api/v1/catalog/updates                                    catalogue:write         organisation
GET    /api/v1/ledger/summary                                     system:read             organisation
GET    /api/v1/usage                                              usage:read              anywhere
GET    /api/v1/requests                                           requests:read           anywhere
GET    /api/v1/requests/:id                                       requests:read           node
GET    /api/v1/requests/:id/content                               content:read            node
GET    /api/v1/events                                             requests:read           anywhere
GET    /api/v1/settings                                           settings:read           organisation
PATCH  /api/v1/settings                                           settings:write          organisation
DELETE /api/v1/cache                                              settings:write          organisation
POST   /api/v1/config/validate                                    configuration:write     organisation
POST   /api/v1/config/apply                                       configuration:write     organisation
GET    /api/v1/config/export                                      configuration:read      organisation
`

/** By `METHOD path`. */
export const rules: ReadonlyMap<string, Rule> = new Map(table.split('\n').filter((line) => line !== '').map((line) => {
  const [method, path, what, where] = line.split(/\s+/)
  return [`${method} ${path}`, where === undefined ? what as Rule : { permission: what as Permission, where: where as Where }]
}))

/** Routes and who may see them. All view state lives in the query string, as plain `name=value`; unknown names are dropped. */
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import type { QueryClient } from '@tanstack/react-query'
import { ApiError } from './api.ts'
import { Login } from './pages/login/login.tsx'
import { NotFound, PageFailure } from './pages/not-found.tsx'
import { client, queries } from './queries.ts'

type Search = Record<string, string | undefined>
/** Keeps the named parameters and nothing else. */
const only =
  <T extends string>(...names: T[]) =>
  (search: Record<string, unknown>): { [K in T]?: string } => {
    const kept: Search = {}
    for (const name of names) if (typeof search[name] === 'string' && search[name] !== '') kept[name] = search[name]
    return kept as { [K in T]?: string }
  }

async function signedIn({ location }: { location: { href: string } }): Promise<void> {
  try {
    await client.ensureQueryData(queries.session)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    const { claimed } = await client.ensureQueryData(queries.setup)
    throw redirect(claimed ? { to: '/login', search: location.href === '/' ? {} : { next: location.href } } : { to: '/welcome' })
  }
}

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailure })
const login = createRoute({ getParentRoute: () => root, path: '/login', component: Login, validateSearch: only('next', 'error') })
const linkPage = { getParentRoute: () => root, component: lazyRouteComponent(() => import('./pages/login/link.tsx'), 'LinkPage') }
const links = [createRoute({ ...linkPage, path: '/invitation' }), createRoute({ ...linkPage, path: '/password-reset' }), createRoute({ ...linkPage, path: '/connect-account' })] as const
const forgot = createRoute({ getParentRoute: () => root, path: '/forgot-password', component: lazyRouteComponent(() => import('./pages/login/forgot.tsx'), 'ForgotPassword') })
const welcome = createRoute({
  getParentRoute: () => root,
  path: '/welcome',
  validateSearch: only<'step' | 'key'>('step', 'key'),
  beforeLoad: async ({ location }) => {
    const { claimed } = await client.ensureQueryData(queries.setup)
    if (claimed) await signedIn({ location })
  },
  component: lazyRouteComponent(() => import('./pages/welcome/welcome.tsx'), 'Welcome'),
})
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: lazyRouteComponent(() => import('./shell/shell.tsx'), 'Shell'),
  beforeLoad: signedIn,
  errorComponent: PageFailure,
})

const overview = createRoute({
  getParentRoute: () => app,
  path: '/',
  validateSearch: only('by'),
  component: lazyRouteComponent(() => import('./pages/overview/overview.tsx'), 'Overview'),
})
const requests = createRoute({
  getParentRoute: () => app,
  path: '/requests',
  validateSearch: only('key', 'model', 'vendor', 'outcome', 'status', 'search', 'from', 'to', 'cost', 'live'),
  component: lazyRouteComponent(() => import('./pages/requests/requests.tsx'), 'Requests'),
})
const request = createRoute({
  getParentRoute: () => app,
  path: '/requests/$id',
  component: lazyRouteComponent(() => import('./pages/request/request.tsx'), 'Request'),
})
const models = createRoute({
  getParentRoute: () => app,
  path: '/models',
  validateSearch: only('search', 'vendor', 'available', 'listing', 'model'),
  component: lazyRouteComponent(() => import('./pages/models.tsx'), 'Models'),
})
const keys = createRoute({
  getParentRoute: () => app,
  path: '/keys',
  validateSearch: only('key', 'revoked', 'team'),
  component: lazyRouteComponent(() => import('./pages/keys/keys.tsx'), 'Keys'),
})
const teams = createRoute({
  getParentRoute: () => app,
  path: '/teams',
  validateSearch: only('team', 'find', 'tab', 'person'),
  component: lazyRouteComponent(() => import('./pages/teams/teams.tsx'), 'Teams'),
})
const budgets = createRoute({
  getParentRoute: () => app,
  path: '/budgets',
  validateSearch: only('budget', 'tab'),
  component: lazyRouteComponent(() => import('./pages/budgets/budgets.tsx'), 'Budgets'),
})
const access = createRoute({
  getParentRoute: () => app,
  path: '/access',
  validateSearch: only('tab', 'policy', 'role'),
  component: lazyRouteComponent(() => import('./pages/access/access.tsx'), 'Access'),
})
const why = createRoute({
  getParentRoute: () => app,
  path: '/access/why',
  validateSearch: only('key', 'model', 'in', 'out', 'tags', 'user', 'request'),
  component: lazyRouteComponent(() => import('./pages/access/why.tsx'), 'Why'),
})
const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  validateSearch: only('kind', 'id', 'actor', 'action', 'outcome', 'from', 'to', 'event'),
  component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'Audit'),
})
const providers = createRoute({
  getParentRoute: () => app,
  path: '/providers',
  validateSearch: only('provider', 'add'),
  component: lazyRouteComponent(() => import('./pages/providers/providers.tsx'), 'Providers'),
})
const routing = createRoute({
  getParentRoute: () => app,
  path: '/routing',
  validateSearch: only('alias'),
  component: lazyRouteComponent(() => import('./pages/routing/aliases.tsx'), 'Aliases'),
})
const routingParts = [
  createRoute({
    getParentRoute: () => app,
    path: '/routing/policies',
    validateSearch: only('policy'),
    component: lazyRouteComponent(() => import('./pages/routing/policies.tsx'), 'RoutingPolicies'),
  }),
  createRoute({
    getParentRoute: () => app,
    path: '/routing/decisions',
    validateSearch: only('policy', 'model', 'session', 'from', 'to'),
    component: lazyRouteComponent(() => import('./pages/routing/decisions.tsx'), 'Decisions'),
  }),
  createRoute({
    getParentRoute: () => app,
    path: '/routing/decisions/$id',
    component: lazyRouteComponent(() => import('./pages/routing/decision.tsx'), 'Decision'),
  }),
  createRoute({
    getParentRoute: () => app,
    path: '/routing/models',
    validateSearch: only('model', 'task', 'find'),
    component: lazyRouteComponent(() => import('./pages/routing/arms.tsx'), 'RoutedModels'),
  }),
  createRoute({
    getParentRoute: () => app,
    path: '/routing/savings',
    validateSearch: only('range', 'group'),
    component: lazyRouteComponent(() => import('./pages/routing/savings.tsx'), 'Savings'),
  }),
  createRoute({
    getParentRoute: () => app,
    path: '/routing/explain',
    validateSearch: only('policy', 'key'),
    component: lazyRouteComponent(() => import('./pages/routing/explain.tsx'), 'ExplainRouting'),
  }),
] as const
const playground = createRoute({
  getParentRoute: () => app,
  path: '/playground',
  validateSearch: only('models', 'key'),
  component: lazyRouteComponent(() => import('./pages/playground/playground.tsx'), 'Playground'),
})
const signOn = createRoute({
  getParentRoute: () => app,
  path: '/access/sign-on',
  validateSearch: only('provider'),
  component: lazyRouteComponent(() => import('./pages/sign-on/sign-on.tsx'), 'SignOn'),
})
const alerts = createRoute({
  getParentRoute: () => app,
  path: '/alerts',
  validateSearch: only('channel'),
  component: lazyRouteComponent(() => import('./pages/alerts/alerts.tsx'), 'Alerts'),
})
const profile = createRoute({
  getParentRoute: () => app,
  path: '/profile',
  component: lazyRouteComponent(() => import('./pages/profile/profile.tsx'), 'ProfilePage'),
})
const settings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/settings.tsx'), 'SettingsPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([login, forgot, ...links, welcome, app.addChildren([overview, requests, request, models, budgets, teams, keys, access, why, audit, providers, routing, ...routingParts, playground, signOn, alerts, profile, settings])]),
  context: { client },
  defaultPreload: 'intent',
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const text = new URLSearchParams(
      Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''),
    ).toString()
    return text ? `?${text}` : ''
  },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** Starts the console. A 401 anywhere later leads to the log-in and back to the same place. */
import './styles.css'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api.ts'
import { client } from './queries.ts'
import { router } from './router.tsx'

function expired(error: unknown): void {
  const { pathname, href } = router.state.location
  if (!(error instanceof ApiError) || error.status !== 401 || pathname === '/login' || pathname === '/welcome') return
  client.removeQueries({ queryKey: ['session'] })
  void router.navigate({ to: '/login', search: { next: href } })
}
client.getQueryCache().config.onError = expired
client.getMutationCache().config.onError = expired

const element = document.getElementById('root')
if (!element) throw new Error('index.html has no #root')
createRoot(element).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)

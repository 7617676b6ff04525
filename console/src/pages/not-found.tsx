/** Where a link leads nowhere, and where a whole page failed. */
import { Link } from '@tanstack/react-router'
import { button } from '../ui/button.tsx'
import { Failure } from '../ui/state.tsx'

export const NotFound = () => (
  <main className="mx-auto grid max-w-[560px] justify-items-start gap-2 px-6 pt-[18vh]">
    <h1>There is no page at this address</h1>
    <p className="text-fg-2">
      Nothing is at <code className="mono">{location.pathname}</code>. It may belong to another version of MegaRouter.
    </p>
    <Link to="/" className={button({ look: 'primary', className: 'mt-2' })}>
      Go to the overview
    </Link>
  </main>
)
export const PageFailure = ({ error, reset }: { error: unknown; reset: () => void }) => (
  <main className="mx-auto max-w-[560px] pt-[18vh]">
    <h1 className="px-3.5">The console stopped here</h1>
    <Failure
      error={error}
      retry={() => {
        reset()
        location.reload()
      }}
    />
  </main>
)

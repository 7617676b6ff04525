/**
 * Dialogs for decisions and side sheets for reading, on the browser's own modal `<dialog>`: it traps focus, gives it back and closes on
 * Escape without a style tag, which the content security policy would refuse.
 */
import { X } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button.tsx'

interface Props {
  title: ReactNode
  note?: ReactNode
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
  onSubmit?: () => void
}

function useModal(onClose: () => void) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = ref.current
    if (element && !element.open) element.showModal()
    // The first field if the layer is a form to fill, else its title: not the close button, which would come first.
    const first = element?.querySelector<HTMLElement>('[data-focus]') ?? element?.querySelector('h2')
    first?.focus()
    document.documentElement.style.overflow = 'hidden'
    return () => {
      document.documentElement.style.overflow = ''
      element?.close()
    }
  }, [])
  return {
    ref,
    onCancel: (event: { preventDefault: () => void }) => {
      event.preventDefault()
      onClose()
    },
    onMouseDown: (event: { target: EventTarget }) => {
      if (event.target === ref.current) onClose()
    },
  }
}
const submitted = (onSubmit?: () => void) => (event: FormEvent) => {
  event.preventDefault()
  onSubmit?.()
}

/** A form only where something is submitted: the submit event of a form within a form never arrives in Chromium, which then leaves the page. */
const SheetBody = ({ onSubmit, children }: { onSubmit: (() => void) | undefined; children: ReactNode }) =>
  onSubmit ? (
    <form noValidate onSubmit={submitted(onSubmit)} className="flex h-full flex-col">
      {children}
    </form>
  ) : (
    <div className="flex h-full flex-col">{children}</div>
  )

export function Sheet({ title, note, onClose, children, footer, onSubmit }: Props) {
  const id = useId()
  return (
    <dialog {...useModal(onClose)} aria-labelledby={id} className="slide fixed inset-y-0 right-0 left-auto h-dvh w-[560px] max-w-full bg-surface shadow-float">
      <SheetBody onSubmit={onSubmit}>
        <header className="flex items-start gap-3 border-b border-line px-5 py-3.5">
          <div className="min-w-0 flex-1">
            <h2 id={id} tabIndex={-1} className="truncate text-16 outline-none">
              {title}
            </h2>
            {note && <div className="text-12 text-fg-3">{note}</div>}
          </div>
          <Button look="ghost" size="icon" aria-label="Close" onClick={onClose}>
            <X className="size-4" aria-hidden />
          </Button>
        </header>
        <div tabIndex={0} role="group" aria-labelledby={id} className="min-h-0 flex-1 overflow-y-auto px-5 py-4 -outline-offset-2">
          {children}
        </div>
        {footer && <footer className="flex flex-wrap items-center gap-2 border-t border-line px-5 py-3">{footer}</footer>}
      </SheetBody>
    </dialog>
  )
}

export function Dialog({ title, onClose, children, footer, onSubmit }: Props) {
  const id = useId()
  return (
    <dialog
      {...useModal(onClose)}
      aria-labelledby={id}
      className="rise fixed inset-x-0 top-[18vh] mx-auto w-[440px] max-w-[calc(100vw-24px)] rounded-4 bg-raised shadow-float"
    >
      <form noValidate onSubmit={submitted(onSubmit)}>
        <div className="grid gap-2 px-5 pt-4 pb-4">
          <h2 id={id} tabIndex={-1} className="text-16 outline-none">
            {title}
          </h2>
          {children}
        </div>
        {footer && <footer className="flex justify-end gap-2 border-t border-line px-5 py-3">{footer}</footer>}
      </form>
    </dialog>
  )
}

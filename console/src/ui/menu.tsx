/** Menus and popovers on Radix, never modal: modal ones inject a style tag, which the content security policy refuses. */
import { DropdownMenu, Popover as RadixPopover } from 'radix-ui'
import { type ReactNode, useState } from 'react'

/** Layers open inside the main landmark, where a screen reader expects content. */
const landmark = (): HTMLElement | null => document.querySelector('main')
const floating = 'rise z-30 rounded-3 bg-raised p-1 shadow-float outline-none'

export function Menu({
  trigger,
  label,
  children,
  side = 'bottom',
  align = 'end',
}: {
  trigger: ReactNode
  label: string
  children: ReactNode
  side?: 'top' | 'bottom'
  align?: 'start' | 'end'
}) {
  const [container, setContainer] = useState<HTMLElement | null>(null)
  return (
    <DropdownMenu.Root
      modal={false}
      onOpenChange={(open) => {
        if (open) setContainer(landmark())
      }}
    >
      <DropdownMenu.Trigger asChild aria-label={label}>
        {trigger}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={container}>
        <DropdownMenu.Content side={side} align={align} sideOffset={6} collisionPadding={8} className={`${floating} min-w-[190px]`}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
export const MenuItem = ({
  onSelect,
  children,
  danger,
  keys,
  checked,
}: {
  onSelect: () => void
  children: ReactNode
  danger?: boolean
  keys?: string
  checked?: boolean
}) => (
  <DropdownMenu.Item
    onSelect={onSelect}
    className={`flex h-8 cursor-pointer items-center gap-2.5 rounded-2 px-2 outline-none data-highlighted:bg-hover max-md:h-11 ${danger ? 'text-bad-fg' : ''} ${checked ? 'font-medium' : ''}`}
  >
    {children}
    {keys && <kbd className="ml-auto font-sans text-11 text-fg-3">{keys}</kbd>}
    {checked && (
      <span className="ml-auto" aria-label="chosen">
        ✓
      </span>
    )}
  </DropdownMenu.Item>
)
export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />
export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-11 text-fg-3">{children}</DropdownMenu.Label>
)

export const Popover = ({
  trigger,
  open,
  onOpenChange,
  children,
  label,
}: {
  trigger: ReactNode
  open: boolean
  onOpenChange: (open: boolean) => void
  children: ReactNode
  label: string
}) => (
  <RadixPopover.Root open={open} onOpenChange={onOpenChange}>
    <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
    <RadixPopover.Portal container={landmark()}>
      <RadixPopover.Content align="start" sideOffset={6} collisionPadding={8} aria-label={label} className={floating}>
        {children}
      </RadixPopover.Content>
    </RadixPopover.Portal>
  </RadixPopover.Root>
)

/** Buttons, and the same look for links. One primary button a page. */
import { cva, type VariantProps } from 'class-variance-authority'
import type { ComponentProps } from 'react'

export const button = cva(
  'inline-flex items-center justify-center gap-1.5 rounded-2 border font-medium whitespace-nowrap transition-colors duration-90 select-none disabled:opacity-50 aria-disabled:opacity-50',
  {
    variants: {
      look: {
        plain: 'border-line-2 bg-surface shadow-lift hover:bg-hover',
        primary: 'border-ink bg-ink text-on-ink hover:opacity-90',
        ghost: 'border-transparent hover:bg-hover',
        danger: 'border-bad bg-bad text-surface hover:opacity-90',
      },
      size: { m: 'h-[30px] px-2.5 max-md:h-11', s: 'h-[26px] px-2 text-12 max-md:h-9', icon: 'size-[30px] max-md:size-11' },
    },
    defaultVariants: { look: 'plain', size: 'm' },
  },
)

type Props = ComponentProps<'button'> & VariantProps<typeof button>

export const Button = ({ look, size, className, type = 'button', ...rest }: Props) => (
  <button type={type} className={button({ look, size, className })} {...rest} />
)

export const link = 'text-accent font-medium rounded-1 underline-offset-3 hover:underline'
export const TextButton = ({ className = '', type = 'button', ...rest }: ComponentProps<'button'>) => (
  <button type={type} className={`${link} text-left ${className}`} {...rest} />
)

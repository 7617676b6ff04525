import type { ReactNode } from 'react'

export const Lead = ({ title, children }: { title: string; children: ReactNode }) => (
  <>
    <h1 className="text-24 leading-8">{title}</h1>
    <p className="mt-1 mb-[18px] max-w-[68ch] text-14 text-fg-2">{children}</p>
  </>
)

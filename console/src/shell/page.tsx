/** One page: title of the document, top bar, strips, and the main landmark. */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { queries } from '../queries.ts'
import { LostStrip, SimulatedStrip, TopBar } from './top.tsx'

export function useTitle(page: string): void {
  const { data } = useQuery({ ...queries.session, enabled: false })
  useEffect(() => {
    document.title = [page, data?.organisation.name, 'MegaRouter'].filter(Boolean).join(' · ')
  }, [page, data])
}

export function Page({
  title,
  crumbs,
  top,
  wide,
  children,
}: {
  title: string
  crumbs?: { name: string; to?: '/requests' | '/routing/decisions' }[]
  top?: ReactNode
  wide?: boolean
  children: ReactNode
}) {
  useTitle(title)
  return (
    <>
      <TopBar crumbs={crumbs ?? [{ name: title }]}>{top}</TopBar>
      <SimulatedStrip />
      <LostStrip />
      <main id="main" tabIndex={-1} className={`appear px-6 pt-5 pb-8 outline-none max-md:px-3 max-md:pt-3.5 max-md:pb-6 ${wide ? '' : 'max-w-[1560px]'}`}>
        {children}
      </main>
    </>
  )
}

export const Mark = () => (
  <span aria-hidden className="grid size-[22px] flex-none place-items-center rounded-2 bg-ink text-on-ink">
    <svg viewBox="0 0 24 24" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" strokeLinejoin="round">
      <path d="M4 19V6l8 8 8-8v13" />
      <circle cx="12" cy="14" r="1.4" fill="currentColor" />
    </svg>
  </span>
)

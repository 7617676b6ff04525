import type { PolicyValues } from './policy-values.ts'
export const PolicyPreview = (_: { values: PolicyValues; check: () => boolean }) => null

/** The routing policy that a key, team or project names for `auto`, or none: then what is above it decides. */
import { useQuery } from '@tanstack/react-query'
import { Select } from '../ui/field.tsx'
import { routed } from './queries.ts'

interface Props {
  /** Empty: as what is above has it. */
  value: string
  onChange: (name: string) => void
  none: string
  id?: string
  disabled?: boolean
  'aria-describedby'?: string
  'aria-invalid'?: boolean
}

export function RoutingPolicySelect({ value, onChange, none, ...rest }: Props) {
  const names = useQuery(routed.policies).data?.data.map(({ name }) => name) ?? []
  const all = value === '' || names.includes(value) ? names : [value, ...names]
  return (
    <Select {...rest} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{none}</option>
      {all.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </Select>
  )
}

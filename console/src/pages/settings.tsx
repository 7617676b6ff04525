/** Settings: the organisation, what all its keys together may spend, what is stored and for how long, and the state of this gateway. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api.ts'
import type { ChangedSettings, Settings, Status } from '../api-types.ts'
import { countExact, duration, percent, toMinute } from '../format.ts'
import { useMay } from '../govern/queries.ts'
import { changed, queries, useZone } from '../queries.ts'
import { Page } from '../shell/page.tsx'
import { setShortcuts, shortcutsOff } from '../shell/shortcuts.ts'
import { setTheme, useTheme } from '../shell/theme.ts'
import { Declared, Fact, Segmented } from '../ui/bits.tsx'
import { BudgetState, Warnings } from '../ui/budget.tsx'
import { Button, link } from '../ui/button.tsx'
import { Field, FormError, Select, Switch, TextField } from '../ui/field.tsx'
import { LimitFields, limitInput, limitProblems, type LimitProblems, limitValues } from '../ui/limits-form.tsx'
import { PageHead, Panel, PanelHead } from '../ui/panel.tsx'
import { Dot } from '../ui/pill.tsx'
import { Load } from '../ui/state.tsx'
import { LedgerPanel } from './ledger-panel.tsx'

const zones = Intl.supportedValuesOf('timeZone')
const whole = (text: string): number => Math.max(0, Math.round(Number(text) || 0))

interface Part {
  values: Settings
  set: (more: Partial<Settings>) => void
}
const unknownPriceHelp = {
  allow: 'Runs and counts as unpriced, never as $0; refused under a strict budget.',
  block: 'Is refused with 403 under a strict or standard budget, else runs as unpriced.',
  conservative: 'Counts at the highest prices of the catalogue.',
}
const newModelsHelp = {
  automatic: 'Tried on few, low-risk requests first; stopped where they are worse.',
  approval: 'They wait under Routing, Models until somebody approves them.',
}

function OrganisationPanel({ values, set }: Part) {
  return (
    <Panel>
      <PanelHead title="Organisation" />
      <div className="grid gap-4 px-3.5 pb-4 md:grid-cols-2">
        <TextField label="Name" value={values.organisation} onChange={(event) => set({ organisation: event.target.value })} />
        <Field label="Time zone" help="Days and months of usage and budgets are those of this zone.">
          {(described) => (
            <Select {...described} value={values.time_zone} onChange={(event) => set({ time_zone: event.target.value })}>
              {[...new Set([values.time_zone, 'UTC', ...zones])].map((zone) => (
                <option key={zone} value={zone}>
                  {zone}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="A model without a price" help={unknownPriceHelp[values.unknown_price]}>
          {(described) => (
            <Select {...described} value={values.unknown_price} onChange={(event) => set({ unknown_price: event.target.value as Settings['unknown_price'] })}>
              <option value="allow">may be used</option>
              <option value="conservative">counts at the highest price</option>
              <option value="block">is refused</option>
            </Select>
          )}
        </Field>
        <Field label="Models that auto has not used yet" help={newModelsHelp[values.new_models]}>
          {(described) => (
            <Select {...described} value={values.new_models} onChange={(event) => set({ new_models: event.target.value as Settings['new_models'] })}>
              <option value="automatic">are tried by themselves</option>
              <option value="approval">wait for approval</option>
            </Select>
          )}
        </Field>
      </div>
    </Panel>
  )
}

function PrivacyPanel({ values, set }: Part) {
  const { content, retention } = values
  const amount = (value: number, change: (next: number) => void) => ({
    inputMode: 'numeric' as const,
    value,
    onChange: (event: { target: { value: string } }) => change(whole(event.target.value)),
  })
  return (
    <Panel>
      <PanelHead title="Privacy" note="what is kept, and for how long" />
      <div className="grid gap-4 px-3.5 pb-4">
        <Switch
          label="Store prompts and answers"
          help="Encrypted, for new requests only. Usage, request and cost rows never hold content."
          checked={content.store}
          onChange={(store) => set({ content: { ...content, store } })}
        />
        <div className="grid gap-4 md:grid-cols-5">
          <TextField label="Content, days" {...amount(content.retention_days, (retention_days) => set({ content: { ...content, retention_days } }))} />
          <TextField label="Content, at most MB" {...amount(content.quota_mb, (quota_mb) => set({ content: { ...content, quota_mb } }))} />
          <TextField label="Requests, days" {...amount(retention.requests_days, (requests_days) => set({ retention: { ...retention, requests_days } }))} />
          <TextField label="Usage, days" {...amount(retention.usage_days, (usage_days) => set({ retention: { ...retention, usage_days } }))} />
          <TextField label="Decisions, days" {...amount(retention.decisions_days, (decisions_days) => set({ retention: { ...retention, decisions_days } }))} />
        </div>
      </div>
    </Panel>
  )
}

/** What this form changes besides limits: what is spent moves on while it is open. */
const editable = ({ organisation, time_zone, unknown_price, new_models, content, retention }: Settings) => ({ organisation, time_zone, unknown_price, new_models, content, retention })

/** `warnings`: of the last change; saved settings are a new version, and so a new form. */
function Form({ settings, warnings, onSaved }: { settings: Settings; warnings: string[]; onSaved: (changed: ChangedSettings) => void }) {
  const zone = useZone()
  const [values, setValues] = useState(settings)
  const [limits, setLimits] = useState(limitValues(settings))
  const [problems, setProblems] = useState<LimitProblems>({})
  const save = useMutation({
    mutationFn: (next: Settings) => api.updateSettings({ ...editable(next), ...limitInput(limits) }, settings.version),
    onSuccess: (saved) => {
      onSaved(saved)
      return changed('settings', 'session', 'setup', 'usage')
    },
  })
  const set = (more: Partial<Settings>) => setValues({ ...values, ...more })
  const submit = () => {
    const found = limitProblems(limits)
    setProblems(found)
    if (Object.keys(found).length === 0) save.mutate(values)
  }
  const dirty = JSON.stringify([editable(values), limits]) !== JSON.stringify([editable(settings), limitValues(settings)])
  const readOnly = settings.managed_by !== 'api'
  return (
    <form
      noValidate
      className="grid gap-3.5"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {readOnly && <Declared by="megarouter.yaml" />}
      <fieldset disabled={readOnly} className="grid min-w-0 gap-3.5">
        <OrganisationPanel values={values} set={set} />
        <Panel>
          <PanelHead title="Budget and limits" note="of all keys together, besides their own" />
          <div className="grid gap-4 px-3.5 pb-4">
            {settings.budget && <BudgetState budget={settings.budget} zone={zone} of="Every key" />}
            <Warnings texts={dirty ? [] : warnings} />
            <LimitFields values={limits} onChange={setLimits} problems={problems} disabled={readOnly} />
          </div>
        </Panel>
        <PrivacyPanel values={values} set={set} />
      </fieldset>
      <FormError>{save.error?.message}</FormError>
      {!readOnly && (
        <div>
          <Button type="submit" look="primary" disabled={!dirty || save.isPending}>
            {save.isPending ? 'Saving…' : dirty ? 'Save settings' : 'Saved'}
          </Button>
        </div>
      )}
    </form>
  )
}

const line = 'border-t border-line px-3.5 py-2'
function StatusPanel({ status }: { status: Status }) {
  const zone = useZone()
  const { database, config } = status
  const good = database.up && !database.dropped && !config.error && status.problems.length === 0
  return (
    <Panel label="This gateway">
      <PanelHead title="This gateway">
        <span className="inline-flex items-center gap-1.5 text-12">
          <Dot tone={good ? 'ok' : 'bad'} />
          {good ? 'In order' : 'Needs attention'}
        </span>
      </PanelHead>
      <dl>
        <Fact className={line} name="Version">
          {status.version}
          {status.node && `, on ${status.node}`}
        </Fact>
        <Fact className={line} name="Running">
          {duration(status.uptime_s * 1000)}, since {toMinute(status.started_at, zone)}
        </Fact>
        <Fact className={line} name="Database">
          {database.kind}, {database.up ? 'answers' : <span className="text-bad-fg">does not answer</span>},{' '}
          {database.queued === null ? 'queue not known yet' : `${countExact(database.queued)} waiting`}
          {database.dropped !== null && database.dropped > 0 && <span className="text-bad-fg">, {countExact(database.dropped)} dropped</span>}
        </Fact>
        <Fact className={line} name="Configuration">
          {config.file ?? 'no file'}
          {config.loaded_at && `, read ${toMinute(config.loaded_at, zone)}`}
          {config.error && <span className="block text-bad-fg">{config.error}</span>}
        </Fact>
        <Fact className={line} name="Catalogue">
          {status.catalog_version}
        </Fact>
        {status.problems.map((problem) => (
          <Fact className={line} key={problem} name="Problem">
            <span className="text-warn-fg">{problem}</span>
          </Fact>
        ))}
        {status.health
          .filter((health) => health.state !== 'closed')
          .map((health) => (
            <Fact className={line} key={health.deployment} name="Breaker">
              <span className="text-warn-fg">{health.deployment}</span> {health.state === 'open' ? 'is switched off' : 'is being probed'},{' '}
              {percent(health.success_rate)} of its last attempts worked
            </Fact>
          ))}
      </dl>
    </Panel>
  )
}

function ThisBrowser() {
  const theme = useTheme()
  const [keys, setKeys] = useState(!shortcutsOff())
  return (
    <Panel label="This browser">
      <PanelHead title="This browser" />
      <div className="grid justify-items-start gap-4 px-3.5 pb-4">
        <Segmented
          label="Theme"
          value={theme}
          options={[
            ['system', 'System'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
          onChange={setTheme}
        />
        <Switch
          label="Single-letter keys"
          help="J, K, F, R and others; ⌘K stays."
          checked={keys}
          onChange={(on) => {
            setKeys(on)
            setShortcuts(on)
          }}
        />
      </div>
    </Panel>
  )
}

export function SettingsPage() {
  const may = useMay()
  const settings = useQuery({ ...queries.settings, refetchInterval: 15_000 })
  const status = useQuery(queries.status)
  const [warnings, setWarnings] = useState<string[]>([])
  return (
    <Page title="Settings">
      <PageHead title="Settings">
        <Link to="/welcome" search={{ step: 'providers' }} className={link}>
          Getting started
        </Link>
      </PageHead>
      <div className="grid items-start gap-3.5 xl:grid-cols-[minmax(0,1fr)_400px]">
        <div className="min-w-0">
          <Load of={settings} rows={8}>
            {(data) => <Form key={data.version} settings={data} warnings={warnings} onSaved={(saved) => setWarnings(saved.warnings)} />}
          </Load>
        </div>
        <div className="grid gap-3.5">
          <Load of={status}>{(data) => <StatusPanel status={data} />}</Load>
          {may('system:read') && <LedgerPanel />}
          <ThisBrowser />
        </div>
      </div>
    </Page>
  )
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { channelsQuery } from '../channels/queries.ts'
import { rulesQuery } from '../failures/queries.ts'
import { useMe } from '../session/session.ts'
import { errorAt, formOf, rulesOf, type Rules } from './rules-form.ts'

/** When incidents open and close, and who hears of it. Administrators change it, all others read. */
export default function RulesDialog({ onClose }: { onClose: () => void }) {
  const rules = useQuery({ ...rulesQuery, staleTime: 0 })
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Rules of incidents"
      description="When one opens and closes, and which channels hear of it. An event may name channels of its own."
    >
      {rules.isPending && <Loading rows={4} label="Loading rules" />}
      {rules.isError && <Failed error={rules.error} retry={() => void rules.refetch()} />}
      {rules.data && <Form rules={rules.data} onClose={onClose} />}
    </Dialog>
  )
}

function Form({ rules, onClose }: { rules: Rules; onClose: () => void }) {
  const isAdmin = useMe()?.role === 'admin'
  const [form, setForm] = useState(() => formOf(rules))
  const channels = useQuery(channelsQuery)
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.incidents.putRules(rulesOf(form)),
    onSuccess: (now) => {
      client.setQueryData(rulesQuery.queryKey, now)
      toast('success', 'The rules are changed')
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const error = (field: keyof Rules, range: string) => errorAt(problem?.fields ?? [], field, range)
  const set = (part: Partial<typeof form>) => setForm({ ...form, ...part })
  const names = [...new Set([...(channels.data ?? []).map(({ name }) => name), ...form.channels])]
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <fieldset disabled={!isAdmin} className="flex flex-col gap-4 pb-4">
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        {!isAdmin && <Alert kind="note">Administrators change them.</Alert>}
        <label className="flex items-center gap-2 text-sm font-medium">
          <Checkbox checked={form.newPatterns} onChange={(event) => set({ newPatterns: event.target.checked })} />
          Open one when an event or a pipeline fails as it never did before
        </label>
        <div className="grid gap-4 sm:grid-cols-2">
          <NumberField
            label="Open after so many alike"
            value={form.times}
            onChange={(times) => set({ times })}
            error={error('repeated_times', 'a whole number from 2 to 1,000')}
          />
          <NumberField
            label="within, minutes"
            value={form.withinMinutes}
            onChange={(withinMinutes) => set({ withinMinutes })}
            error={error('repeated_seconds', 'a number from 1 to 10,080 (a week)')}
          />
          <NumberField
            label="Close after so many successes"
            value={form.successes}
            onChange={(successes) => set({ successes })}
            error={error('close_after_successes', 'a whole number from 1 to 1,000')}
          />
          <NumberField
            label="or after hours without one"
            value={form.quietHours}
            onChange={(quietHours) => set({ quietHours })}
            error={error('close_after_seconds', 'a number from 0.02 (a minute) to 720')}
          />
        </div>
        <fieldset className="flex flex-col gap-1.5">
          <legend className="mb-1 text-sm font-medium">Channels that hear of it</legend>
          {names.length === 0 && (
            <p className="text-sm text-muted">
              There is none yet. Make one under{' '}
              <Link to="/channels" className="text-accent underline underline-offset-2" onClick={onClose}>
                Channels
              </Link>
              .
            </p>
          )}
          <div className="flex flex-wrap gap-x-4 gap-y-1.5">
            {names.map((name) => (
              <label key={name} className="flex items-center gap-2 text-sm">
                <Checkbox
                  checked={form.channels.includes(name)}
                  onChange={(event) =>
                    set({
                      channels: event.target.checked
                        ? [...form.channels, name]
                        : form.channels.filter((one) => one !== name),
                    })
                  }
                />
                {name}
              </label>
            ))}
          </div>
          {problem?.fields.find(({ field }) => field.startsWith('channels')) && (
            <p className="text-sm text-failed">{problem.message}</p>
          )}
        </fieldset>
      </fieldset>
      <DialogFooter>
        <Button onClick={onClose}>{isAdmin ? 'Leave them' : 'Close'}</Button>
        {isAdmin && (
          <Button kind="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        )}
      </DialogFooter>
    </form>
  )
}

interface NumberFieldProps {
  label: string
  value: string
  onChange: (text: string) => void
  error: string | undefined
}

function NumberField({ label, value, onChange, error }: NumberFieldProps) {
  return (
    <Field label={label} error={error}>
      {(binding) => (
        <Input {...binding} inputMode="decimal" value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  )
}

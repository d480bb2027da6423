import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { tokensQuery } from './queries.ts'
import { ScopeTable } from './scope-table.tsx'
import { scopesOf, type Access } from './scopes.ts'

const lives = [7, 30, 90, 365]

/** Makes a token and shows it, this once. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [narrow, setNarrow] = useState(true)
  const [access, setAccess] = useState<Record<string, Access>>({ jobs: 'write' })
  const client = useQueryClient()
  const make = useMutation({
    mutationFn: () =>
      api.tokens.create({
        name,
        ...(days !== '' && { expires_in_days: Number(days) }),
        ...(narrow && { scopes: scopesOf(access) }),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  const problem = make.isError ? problemOf(make.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message
  const nothing = narrow && scopesOf(access).length === 0
  if (make.data) {
    return (
      <Dialog open onOpenChange={(open) => !open && onClose()} title={`Token ${make.data.name}`}>
        <div className="flex flex-col gap-4">
          <p>Copy it now: it is not shown again.</p>
          <CopyLine what="token" text={make.data.token} />
          <p className="text-sm text-muted">Send it as a header:</p>
          <CopyLine text={`curl -H "Authorization: Bearer ${make.data.token}" ${location.origin}/api/v1/me`} />
          <div className="flex justify-end">
            <Button kind="primary" onClick={onClose}>
              I have it
            </Button>
          </div>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New API token">
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!nothing) make.mutate()
        }}
      >
        {problem && !errorOf('name') && <Alert>{problem.message}</Alert>}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="What it is for" error={errorOf('name')}>
            {(binding) => (
              <Input
                {...binding}
                autoFocus
                autoComplete="off"
                placeholder="e.g. nightly build"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Ends">
            {(binding) => (
              <Select {...binding} value={days} onChange={(event) => setDays(event.target.value)}>
                {lives.map((each) => (
                  <option key={each} value={each}>
                    after {each} days
                  </option>
                ))}
                <option value="">never</option>
              </Select>
            )}
          </Field>
        </div>
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 text-sm font-medium">It may do</legend>
          {[false, true].map((only) => (
            <label key={String(only)} className="flex items-center gap-2 text-sm">
              <input type="radio" name="narrow" checked={narrow === only} onChange={() => setNarrow(only)} />
              {only ? 'only this' : 'all that I may'}
            </label>
          ))}
          {narrow && <ScopeTable access={access} onChange={setAccess} />}
        </fieldset>
        <div className="flex items-center justify-end gap-2">
          {nothing && <span className="mr-auto text-sm text-failed">Choose at least one.</span>}
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" disabled={nothing} busy={make.isPending}>
            {make.isPending ? 'Making…' : 'Make the token'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

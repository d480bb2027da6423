import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { Input } from '../../../components/field.tsx'
import { secretNamesQuery } from '../queries.ts'
import { useEditor } from './editor-context.ts'

/** Which secrets it may have, and under which names. */
export function SecretsField() {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const known = useQuery(secretNamesQuery)
  const secrets = definition.secrets ?? {}
  const rows = Object.entries(secrets)
  const [adding, setAdding] = useState('')
  const free = (known.data ?? []).filter(({ name }) => !Object.values(secrets).includes(name))
  const envName = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')
  const change = (next: [string, string][]) => set({ secrets: Object.fromEntries(next) })
  const add = (name: string) => {
    if (name !== '') change([...rows, [envName(name), name]])
    setAdding('')
  }
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">Secrets</legend>
      {rows.map(([env, secret], index) => (
        <div key={index} className="flex items-center gap-1.5">
          <Input
            aria-label={`Environment name of ${secret}`}
            wide={false}
            className="w-2/5 font-mono"
            spellCheck={false}
            autoComplete="off"
            aria-invalid={hasErrors(`secrets.${env}`) || undefined}
            value={env}
            onChange={(event) => change(rows.with(index, [event.target.value, secret]))}
          />
          <span className="min-w-0 flex-1 truncate text-sm text-muted">
            is the secret <code className="font-mono text-text">{secret}</code>
          </span>
          <IconButton label={`Remove the secret ${secret}`} onClick={() => change(rows.filter((_, i) => i !== index))}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      ))}
      {errorOf('secrets') && <p className="text-sm text-failed">{errorOf('secrets')}</p>}
      <div className="flex flex-wrap items-center gap-2">
        <Input
          aria-label="Add a secret"
          wide={false}
          small
          list="secret-names"
          className="w-56 font-mono"
          autoComplete="off"
          placeholder="Name of a secret"
          value={adding}
          onChange={(event) => {
            const name = event.target.value
            // Chosen from the list: there is nothing more to say.
            if (free.some((one) => one.name === name)) add(name)
            else setAdding(name)
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            add(adding.trim())
          }}
        />
        <datalist id="secret-names">
          {free.map(({ name, scope }) => (
            <option key={`${scope} ${name}`} value={name}>
              {scope === 'global' ? 'global' : 'own'}
            </option>
          ))}
        </datalist>
        <Button size="small" disabled={adding.trim() === ''} onClick={() => add(adding.trim())}>
          Add
        </Button>
        <p className="text-xs text-muted">Handed over sealed, masked in the log. Only names stand in the event.</p>
      </div>
    </fieldset>
  )
}

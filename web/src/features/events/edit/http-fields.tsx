import { Field, Input, Select } from '../../../components/field.tsx'
import { Toggle } from '../../../components/button.tsx'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import { Fold } from '../../jobs/submit/fold.tsx'
import { CodeField } from '../../editor/code-field.tsx'
import {
  CheckField,
  ChoiceField,
  LinesField,
  NumberField,
  TextField,
  RecordField,
} from '../../../components/value-fields.tsx'
import { JsonField } from './fields.tsx'
import { useEditor } from './editor-context.ts'

export type HttpInput = NonNullable<EventDefinitionInput['request']>
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const auths = { none: 'None', bearer: 'Bearer token', basic: 'User and password', header: 'A header' }

interface HttpFieldsProps {
  value: HttpInput
  onChange: (value: HttpInput) => void
  /** Where it stands in the definition: `request`, `actions[0].do.webhook`. */
  at: string
  /** Texts are filled in from the run: of an action. */
  templated?: boolean
}

/** A request as it is sent, and what is expected of the answer. */
export function HttpFields({ value, onChange, at, templated }: HttpFieldsProps) {
  const { errorOf, hasErrors } = useEditor()
  const set = (change: Partial<HttpInput>) => onChange({ ...value, ...change })
  const error = (field: string) => errorOf(`${at}.${field}`)
  return (
    <div className="flex flex-col gap-4">
      <div className="flex items-start gap-2">
        <Field label="Method" className="w-28 shrink-0">
          {(binding) => (
            <Select
              {...binding}
              value={value.method ?? 'GET'}
              onChange={(event) => set({ method: event.target.value as HttpInput['method'] })}
            >
              {methods.map((method) => (
                <option key={method}>{method}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Address" className="flex-1" error={error('url')}>
          {(binding) => (
            <Input
              {...binding}
              className="font-mono"
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              placeholder="https://api.example.com/v1/orders"
              value={value.url}
              onChange={(event) => set({ url: event.target.value })}
            />
          )}
        </Field>
      </div>
      <p className="-mt-2 text-xs text-muted">
        <code className="font-mono">{'{{secrets.NAME}}'}</code> in the address, headers, body and credentials is filled
        in from the secrets {templated ? 'of this event, ' : ''}when it runs
        {templated && (
          <>
            ; <code className="font-mono">{'{{ output.id }}'}</code> from the output
          </>
        )}
        .
      </p>
      <RecordField
        legend="Headers"
        keyPlaceholder="Accept"
        value={value.headers ?? {}}
        onChange={(headers) => set({ headers })}
        error={error('headers')}
      />
      <RecordField
        legend="Query"
        keyPlaceholder="page"
        value={value.query ?? {}}
        onChange={(query) => set({ query })}
        error={error('query')}
      />
      <Body value={value} set={set} at={at} />
      <Auth value={value} set={set} at={at} />
      <Fold
        title="What the answer must be, and limits"
        open={['expect_status', 'assert', 'timeout_seconds', 'max_response_bytes'].some((f) => hasErrors(`${at}.${f}`))}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <LinesField
            label="Statuses that are a success"
            hint="One a line: 200, or a class, 2xx"
            error={error('expect_status')}
            value={(value.expect_status ?? ['2xx']).map(String)}
            onChange={(lines) =>
              set({
                expect_status:
                  lines.length === 0 ? undefined : lines.map((line) => (/^\d+$/.test(line) ? Number(line) : line)),
              })
            }
          />
          <LinesField
            label="And all of this is true"
            optional
            hint="CEL, one a line, over status, headers, body, json and duration_ms"
            placeholder={'json.state == "ready"\nduration_ms < 2000'}
            error={error('assert')}
            value={value.assert ?? []}
            onChange={(assert) => set({ assert })}
          />
          <NumberField
            label="Timeout, seconds"
            optional
            placeholder="30"
            error={error('timeout_seconds')}
            value={value.timeout_seconds}
            onChange={(timeout_seconds) => set({ timeout_seconds })}
          />
          <NumberField
            label="Answer at most, MiB"
            optional
            placeholder="64"
            scale={1024 * 1024}
            error={error('max_response_bytes')}
            value={value.max_response_bytes}
            onChange={(max_response_bytes) => set({ max_response_bytes })}
          />
        </div>
        <CheckField
          label="Follow redirects"
          value={value.follow_redirects ?? true}
          onChange={(follow_redirects) => set({ follow_redirects })}
        />
      </Fold>
    </div>
  )
}

interface PartProps {
  value: HttpInput
  set: (change: Partial<HttpInput>) => void
  at: string
}

const bodies = { none: 'None', json: 'JSON', text: 'Text', input: "The run's input" }
type BodyKind = keyof typeof bodies

const bodyKind = ({ body, body_from_input }: HttpInput): BodyKind =>
  body_from_input ? 'input' : body === undefined ? 'none' : typeof body === 'string' ? 'text' : 'json'

function Body({ value, set, at }: PartProps) {
  const { errorOf } = useEditor()
  const kind = bodyKind(value)
  const change = (next: BodyKind) =>
    set({
      body_from_input: next === 'input' ? true : undefined,
      body: next === 'json' ? {} : next === 'text' ? '' : undefined,
    })
  return (
    <div className="flex flex-col gap-2">
      <div role="group" aria-label="Body" className="flex flex-wrap items-center gap-1">
        <span className="mr-2 text-sm font-medium">Body</span>
        {(Object.keys(bodies) as BodyKind[]).map((one) => (
          <Toggle key={one} pressed={kind === one} onClick={() => kind !== one && change(one)}>
            {bodies[one]}
          </Toggle>
        ))}
      </div>
      {kind === 'json' && (
        <JsonField
          label="JSON body"
          optional={false}
          error={errorOf(`${at}.body`)}
          value={value.body}
          onChange={(body) => set({ body: (body ?? {}) as HttpInput['body'] })}
        />
      )}
      {kind === 'text' && (
        <CodeField
          label="Text body"
          language="text"
          gutter={false}
          className="max-h-64 min-h-10"
          value={value.body as string}
          onChange={(body) => set({ body })}
        />
      )}
      {kind === 'input' && <p className="text-sm text-muted">Whatever its type and size; large ones are streamed.</p>}
    </div>
  )
}

function Auth({ value: { auth }, set, at }: PartProps) {
  const { errorOf } = useEditor()
  const type = auth?.type ?? 'none'
  const fresh = {
    none: undefined,
    bearer: { type: 'bearer', token: '{{secrets.TOKEN}}' },
    basic: { type: 'basic', username: '', password: '{{secrets.PASSWORD}}' },
    header: { type: 'header', name: 'X-Api-Key', value: '{{secrets.API_KEY}}' },
  } as const
  const error = (field: string) => errorOf(`${at}.auth.${field}`)
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <ChoiceField label="Credentials" options={auths} value={type} onChange={(next) => set({ auth: fresh[next] })} />
      {auth?.type === 'bearer' && (
        <TextField
          mono
          className="sm:col-span-2"
          label="Token"
          error={error('token')}
          value={auth.token}
          onChange={(token) => set({ auth: { ...auth, token } })}
        />
      )}
      {auth?.type === 'basic' && (
        <>
          <TextField
            mono
            label="User"
            error={error('username')}
            value={auth.username}
            onChange={(username) => set({ auth: { ...auth, username } })}
          />
          <TextField
            mono
            label="Password"
            error={error('password')}
            value={auth.password}
            onChange={(password) => set({ auth: { ...auth, password } })}
          />
        </>
      )}
      {auth?.type === 'header' && (
        <>
          <TextField
            mono
            label="Header"
            error={error('name')}
            value={auth.name}
            onChange={(name) => set({ auth: { ...auth, name } })}
          />
          <TextField
            mono
            label="Value"
            error={error('value')}
            value={auth.value}
            onChange={(value) => set({ auth: { ...auth, value } })}
          />
        </>
      )}
    </div>
  )
}

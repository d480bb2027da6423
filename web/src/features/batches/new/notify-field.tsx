import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Checkbox } from '../../../components/checkbox.tsx'
import { Select } from '../../../components/field.tsx'
import { api } from '../../../lib/api.ts'
import type { BatchForm, NotifyOn } from './batch-form.ts'

const onWords: Record<NotifyOn, string> = {
  ended: 'whenever it ends',
  failed: 'when a job did not pass',
  passed: 'when all passed',
  cancelled: 'when it was cancelled',
}

interface NotifyFieldProps {
  notify: BatchForm['notify']
  onChange: (notify: BatchForm['notify']) => void
  error: string | undefined
}

/** Which channels are told, and of which ends. */
export function NotifyField({ notify, onChange, error }: NotifyFieldProps) {
  const channels = useQuery({
    queryKey: ['channels'],
    queryFn: async ({ signal }) => (await api.channels.list(undefined, { signal })).channels,
  })
  const known = channels.data?.map(({ name }) => name) ?? []
  const names = [...new Set([...known, ...notify.map(({ channel }) => channel)])]
  const setOn = (channel: string, on: NotifyOn) =>
    onChange(notify.map((one) => (one.channel === channel ? { channel, on: [on] } : one)))
  if (channels.isSuccess && names.length === 0) {
    return (
      <p className="text-sm text-muted">
        There is no channel yet. Administrators make them on the page{' '}
        <Link to="/channels" className="text-accent underline underline-offset-2">
          Channels
        </Link>
        .
      </p>
    )
  }
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">Tell</legend>
      {names.map((channel) => {
        const chosen = notify.find((one) => one.channel === channel)
        return (
          <div key={channel} className="flex flex-wrap items-center gap-2">
            <label className="flex h-8 items-center gap-2">
              <Checkbox
                checked={chosen !== undefined}
                onChange={() =>
                  onChange(
                    chosen ? notify.filter((one) => one.channel !== channel) : [...notify, { channel, on: ['ended'] }],
                  )
                }
              />
              {channel}
            </label>
            {chosen && (
              <Select
                small
                wide={false}
                aria-label={`When ${channel} is told`}
                value={chosen.on[0]}
                onChange={(event) => setOn(channel, event.target.value as NotifyOn)}
              >
                {Object.entries(onWords).map(([on, words]) => (
                  <option key={on} value={on}>
                    {words}
                  </option>
                ))}
              </Select>
            )}
          </div>
        )
      })}
      {error && (
        <p role="alert" className="text-sm text-failed">
          {error}
        </p>
      )}
    </fieldset>
  )
}

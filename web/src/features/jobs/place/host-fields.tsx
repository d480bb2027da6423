import { useQuery } from '@tanstack/react-query'
import { TokenField } from '../../../components/token-field.tsx'
import { ChoiceField, NumberField } from '../../../components/value-fields.tsx'
import type { Host } from '../../../lib/api.ts'
import { hostNamesQuery } from '../../hosts/queries.ts'
import { stateWords } from '../../hosts/words.ts'
import { listProblem } from './job-place.ts'
import type { PlacePart } from './place-fields.tsx'

const success = { all: 'All of them succeed', any: 'One of them succeeds' }

export function HostFields({ place, onChange, errorOf }: PlacePart) {
  const known = useQuery(hostNamesQuery).data
  const hosts = place.hosts ?? []
  const several = hosts.length > 1 || hosts.some((host) => host.startsWith('label:'))
  const set = (now: string[]) => onChange({ hosts: now.length === 0 ? undefined : now })
  return (
    <>
      <TokenField
        label="Hosts"
        placeholder="web1, or label:role=web"
        hint={
          known?.length === 0
            ? 'There is none yet: an administrator adds them under Hosts'
            : 'Names, or label:KEY=VALUE for all that have it when it is submitted'
        }
        offers={offersOf(known ?? [])}
        error={listProblem(errorOf, 'hosts', hosts)}
        value={hosts}
        onChange={set}
      />
      {several && (
        <div className="grid gap-4 sm:grid-cols-2">
          <ChoiceField
            label="It is a success when"
            options={success}
            error={errorOf('hosts_success')}
            value={place.hosts_success ?? 'all'}
            onChange={(hosts_success) =>
              onChange({ hosts_success: hosts_success === 'all' ? undefined : hosts_success })
            }
          />
          <NumberField
            label="Hosts at the same time"
            optional
            placeholder="all"
            error={errorOf('hosts_at_once')}
            value={place.hosts_at_once}
            onChange={(hosts_at_once) => onChange({ hosts_at_once })}
          />
        </div>
      )}
    </>
  )
}

/** Hosts first, then each label that more than none of them has. */
function offersOf(hosts: readonly Host[]): { value: string; label?: string }[] {
  const counts = new Map<string, number>()
  for (const { labels } of hosts) {
    for (const [key, value] of Object.entries(labels)) {
      const text = `label:${key}=${value}`
      counts.set(text, (counts.get(text) ?? 0) + 1)
    }
  }
  return [
    ...hosts.map(({ name, state, description }) => ({
      value: name,
      label: state === 'ready' ? (description ?? undefined) : stateWords[state].label,
    })),
    ...[...counts].map(([value, n]) => ({ value, label: n === 1 ? '1 host' : `${n} hosts` })),
  ]
}

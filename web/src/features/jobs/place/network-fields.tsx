import { TokenField } from '../../../components/token-field.tsx'
import { ChoiceField, TextField } from '../../../components/value-fields.tsx'
import { dropUndefined } from './container-fields.tsx'
import { listProblem, type JobPlace } from './job-place.ts'
import type { PlacePart } from './place-fields.tsx'

const words = {
  none: 'None',
  egress: 'Only to what is listed',
  host: "The host's",
  named: 'A network of the engine',
} as const
type Choice = keyof typeof words

/** None, a list of destinations, or more; what a container may not have is not offered. */
export function NetworkFields({ place, onChange, errorOf, unset }: PlacePart & { unset: boolean }) {
  const container = place.executor === 'container'
  const named = place.container?.network
  const now: Choice | '' = named !== undefined ? 'named' : (place.network ?? (unset ? '' : 'none'))
  const egress = place.egress ?? []
  const offered: Choice[] = container ? ['none', 'egress', 'named'] : ['none', 'egress', 'host']
  const options = {
    ...(unset ? { '': 'As the server is set' } : {}),
    ...Object.fromEntries(offered.map((one) => [one, words[one]])),
  } as Record<Choice | '', string>
  const choose = (choice: Choice | '') => {
    const network = choice === '' || choice === 'named' ? undefined : choice
    const change: JobPlace = { network, egress: choice === 'egress' ? place.egress : undefined }
    if (!container && named === undefined) return onChange(change)
    onChange({
      ...change,
      container: dropUndefined({ ...place.container, network: choice === 'named' ? (named ?? '') : undefined }),
    })
  }
  return (
    <div className="grid items-start gap-4 sm:grid-cols-3">
      <ChoiceField
        label="Network"
        options={options}
        hint="None unless the job needs it"
        error={errorOf('network')}
        value={now}
        onChange={choose}
      />
      {now === 'egress' && (
        <TokenField
          className="sm:col-span-2"
          label="It may connect to"
          placeholder="api.example.com  *.example.org:8443  10.1.0.0/16:5432"
          hint="Names, *.subdomains, addresses and blocks; ports 80 and 443 unless one is named"
          error={listProblem(errorOf, 'egress', egress)}
          value={egress}
          onChange={(entries) => onChange({ egress: entries.length === 0 ? undefined : entries })}
        />
      )}
      {now === 'named' && (
        <TextField
          className="sm:col-span-2"
          label="Its name"
          mono
          placeholder="bridge"
          hint="One that the administrator allows"
          error={errorOf('container.network')}
          value={named ?? ''}
          onChange={(text) => onChange({ container: { ...place.container, network: text.trim() } })}
        />
      )}
    </div>
  )
}

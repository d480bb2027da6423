import { NumberField, RecordField, TextField } from '../../../components/value-fields.tsx'
import { dropUndefined, ImageField } from './container-fields.tsx'
import type { PlacePart } from './place-fields.tsx'

type Slurm = NonNullable<PlacePart['place']['slurm']>
type Kubernetes = NonNullable<PlacePart['place']['kubernetes']>

const slurmTexts: { field: 'partition' | 'account' | 'qos' | 'constraint'; label: string; hint?: string }[] = [
  { field: 'partition', label: 'Partition' },
  { field: 'account', label: 'Account' },
  { field: 'qos', label: 'QOS' },
  { field: 'constraint', label: 'Constraint', hint: 'As sbatch --constraint' },
]

export function SlurmFields({ place, onChange, errorOf }: PlacePart) {
  const slurm = place.slurm ?? {}
  const set = (change: Partial<Slurm>) => onChange({ slurm: dropUndefined({ ...slurm, ...change }) })
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      {slurmTexts.map(({ field, label, hint }) => (
        <TextField
          key={field}
          label={label}
          optional
          mono
          hint={hint}
          placeholder="the cluster's"
          error={errorOf(`slurm.${field}`)}
          value={slurm[field] ?? ''}
          onChange={(text) => set({ [field]: text.trim() || undefined })}
        />
      ))}
      <NumberField
        label="Nodes"
        optional
        placeholder="1"
        error={errorOf('slurm.nodes')}
        value={slurm.nodes}
        onChange={(nodes) => set({ nodes })}
      />
      <NumberField
        label="Tasks"
        optional
        placeholder="1"
        error={errorOf('slurm.tasks')}
        value={slurm.tasks}
        onChange={(tasks) => set({ tasks })}
      />
    </div>
  )
}

export function KubernetesFields({ place, onChange, errorOf }: PlacePart) {
  const kubernetes = place.kubernetes ?? {}
  const selector = kubernetes.node_selector ?? {}
  const set = (change: Partial<Kubernetes>) => onChange({ kubernetes: dropUndefined({ ...kubernetes, ...change }) })
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-3">
        <ImageField
          value={place.container?.image ?? ''}
          error={errorOf('container.image')}
          onChange={(image) =>
            onChange({ container: dropUndefined({ ...place.container, image: image || undefined }) })
          }
        />
        <TextField
          label="Namespace"
          optional
          mono
          placeholder="the server's"
          error={errorOf('kubernetes.namespace')}
          value={kubernetes.namespace ?? ''}
          onChange={(text) => set({ namespace: text.trim() || undefined })}
        />
        <TextField
          label="Service account"
          optional
          mono
          error={errorOf('kubernetes.service_account')}
          value={kubernetes.service_account ?? ''}
          onChange={(text) => set({ service_account: text.trim() || undefined })}
        />
      </div>
      <RecordField
        legend="Labels that the node must have"
        keyPlaceholder="label"
        value={selector}
        onChange={(labels) => set({ node_selector: Object.keys(labels).length === 0 ? undefined : labels })}
        error={errorOf('kubernetes.node_selector')}
      />
    </>
  )
}

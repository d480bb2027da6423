/** What a job says to an engine that exists: Slurm, Kubernetes. */
import * as z from 'zod'

const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}$/, 'has letters, digits and _ . : @ / + - only')

export const slurmSchema = z.strictObject({
  partition: word.optional(),
  account: word.optional(),
  qos: word.optional(),
  /** As `sbatch --constraint`; letters, digits and & | ! ( ) * only besides. */
  constraint: z
    .string()
    .regex(/^[A-Za-z0-9_&|!()*,.[\]-]{1,256}$/, 'has characters that are none of a constraint')
    .optional(),
  nodes: z.int().min(1).max(1024).optional(),
  tasks: z.int().min(1).max(65_536).optional(),
})
export type SlurmSpec = z.output<typeof slurmSchema>

export const kubernetesSchema = z.strictObject({
  /** RUNYARD_KUBERNETES_NAMESPACE when left out; only namespaces of RUNYARD_KUBERNETES_NAMESPACES. */
  namespace: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'is no namespace')
    .optional(),
  service_account: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'is no service account')
    .optional(),
  node_selector: z.record(z.string().min(1).max(317), z.string().max(63)).optional(),
})
export type KubernetesSpec = z.output<typeof kubernetesSchema>

/** Kind → driver. Loaded when the first attempt of that kind comes: a client library costs up to 60 MB. */
import { StartRefused } from '../executor.ts'
import type { LoadDriver } from './driver.ts'

export const loadDriver: LoadDriver = async (kind, config) => {
  if (kind === 'container') return (await import('../container/driver.ts')).createContainerDriver(config)
  if (kind === 'slurm') return (await import('../slurm/driver.ts')).createSlurmDriver(config)
  if (kind === 'ssh') return (await import('../ssh/driver.ts')).createSshDriver(config)
  if (kind === 'kubernetes') return (await import('../kubernetes/driver.ts')).createKubernetesDriver(config)
  throw new StartRefused('refused', `this runner has no executor ${kind}`)
}

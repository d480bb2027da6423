/** Kind → driver. Loaded when the first attempt of that kind comes: a client library costs up to 60 MB. */
import { StartRefused } from '../executor.ts'
import type { LoadDriver } from './driver.ts'

export const loadDriver: LoadDriver = async (kind) => {
  throw new StartRefused('refused', `this runner has no executor ${kind}`)
}

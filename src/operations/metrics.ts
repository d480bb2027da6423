import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { known, type Ask, type Deps } from './deps.ts'

/** In Prometheus' text format. */
export async function readMetrics(deps: Deps, ask: Ask): Promise<{ contentType: string; text: string }> {
  if (!may(known(ask).principal, 'metrics.read')) throw new AppError('permission_denied', 'you may not read metrics')
  return { contentType: deps.metrics.contentType, text: await deps.metrics.text() }
}

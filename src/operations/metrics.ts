import { may } from '../access/permissions.ts'
import { known, refusal, type Ask, type Deps } from './deps.ts'

/** In Prometheus' text format. */
export async function readMetrics(deps: Deps, anyAsk: Ask): Promise<{ contentType: string; text: string }> {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'metrics.read')) throw refusal(ask, 'metrics.read', 'you may not read metrics')
  return { contentType: deps.metrics.contentType, text: await deps.metrics.text() }
}

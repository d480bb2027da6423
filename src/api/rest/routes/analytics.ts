import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const analyticsRoutes = (os: Implementer, on: Operations) => ({
  table: os.analytics.table.handler(({ input, context }) => on.analyticsTable(context.ask, input)),
  series: os.analytics.series.handler(({ input, context }) => on.analyticsSeries(context.ask, input)),
  heat: os.analytics.heat.handler(({ input, context }) => on.analyticsHeat(context.ask, input)),
  troubles: os.analytics.troubles.handler(({ input, context }) => on.analyticsTroubles(context.ask, input)),
})

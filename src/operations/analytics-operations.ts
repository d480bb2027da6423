/** What is told of how things ran, bound to one server's dependencies. */
import * as analytics from './analytics.ts'
import type { Ask, Deps } from './deps.ts'

export function analyticsOperations(deps: Deps) {
  return {
    analyticsTable: (ask: Ask, input: analytics.AnalyticsTableInput) => analytics.analyticsRows(deps, ask, input),
    analyticsSeries: (ask: Ask, input: analytics.SeriesInput) => analytics.analyticsOverTime(deps, ask, input),
    analyticsHeat: (ask: Ask, input: analytics.HeatInput) => analytics.analyticsByHour(deps, ask, input),
    analyticsTroubles: (ask: Ask, input: analytics.TroublesInput) => analytics.analyticsTroubles(deps, ask, input),
  }
}

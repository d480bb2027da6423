import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const deadLetterRoutes = (os: Implementer, on: Operations) => ({
  list: os.deadLetters.list.handler(({ input, context }) => on.listDeadLetters(context.ask, input)),
  act: os.deadLetters.act.handler(({ input, context }) => on.actOnDeadLetters(context.ask, input)),
})

export const failureGroupRoutes = (os: Implementer, on: Operations) => ({
  list: os.failureGroups.list.handler(({ input, context }) => on.listFailureGroups(context.ask, input)),
  mute: os.failureGroups.mute.handler(({ input, context }) => on.muteFailureGroup(context.ask, input)),
})

export const incidentRoutes = (os: Implementer, on: Operations) => ({
  list: os.incidents.list.handler(({ input, context }) => on.listIncidents(context.ask, input)),
  get: os.incidents.get.handler(({ input, context }) => on.getIncident(context.ask, input.id)),
  act: os.incidents.act.handler(({ input, context }) => on.actOnIncident(context.ask, input)),
  rules: os.incidents.rules.handler(({ context }) => on.incidentRules(context.ask)),
  putRules: os.incidents.putRules.handler(({ input, context }) => on.putIncidentRules(context.ask, input)),
})

/** What may be done about failures, bound to one server's dependencies. */
import type { IncidentRules } from '../failures/rules.ts'
import * as letters from './dead-letters.ts'
import type { Ask, Deps } from './deps.ts'
import * as incidents from './incidents.ts'

export function failureOperations(deps: Deps) {
  return {
    listDeadLetters: (ask: Ask, input: letters.ListDeadLettersInput) => letters.listDeadLetters(deps, ask, input),
    actOnDeadLetters: (ask: Ask, input: letters.ActOnDeadLettersInput) => letters.actOnDeadLetters(deps, ask, input),
    listFailureGroups: (ask: Ask, input: incidents.ListGroupsInput) => incidents.listFailureGroups(deps, ask, input),
    muteFailureGroup: (ask: Ask, input: { id: string; muted: boolean }) => incidents.muteFailureGroup(deps, ask, input),
    listIncidents: (ask: Ask, input: incidents.ListIncidentsInput) => incidents.listIncidents(deps, ask, input),
    getIncident: (ask: Ask, id: string) => incidents.getIncident(deps, ask, id),
    actOnIncident: (ask: Ask, input: incidents.ActOnIncidentInput) => incidents.actOnIncident(deps, ask, input),
    incidentRules: (ask: Ask) => incidents.getIncidentRules(deps, ask),
    putIncidentRules: (ask: Ask, changed: Partial<IncidentRules>) => incidents.putIncidentRules(deps, ask, changed),
  }
}

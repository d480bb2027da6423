/** What may be done about events and their runs, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import * as changes from './event-changes.ts'
import { checkEvent, type CheckEventInput } from './event-check.ts'
import { importEvents, type ImportEventsInput } from './event-import.ts'
import { openEventPayload } from './event-payloads.ts'
import { createRunRate } from './event-run-rate.ts'
import * as runs from './event-runs.ts'
import * as found from './find-events.ts'

export function eventOperations(deps: Deps) {
  const rate = createRunRate(deps.config.eventRunsPerMinute)
  return {
    listEvents: (ask: Ask, input: found.ListEventsInput) => found.listEvents(deps, ask, input),
    getEvent: (ask: Ask, input: { event: string; version?: number }) => found.getEvent(deps, ask, input),
    createEvent: (ask: Ask, input: changes.CreateEventInput) => changes.createEvent(deps, ask, input),
    changeEvent: (ask: Ask, input: changes.ChangeEventInput) => changes.changeEvent(deps, ask, input),
    deleteEvent: (ask: Ask, event: string) => changes.deleteEvent(deps, ask, event),
    cloneEvent: (ask: Ask, input: { event: string; name?: string }) => changes.cloneEvent(deps, ask, input),
    eventVersions: (ask: Ask, event: string) => found.eventVersions(deps, ask, event),
    eventDiff: (ask: Ask, input: { event: string; from: number; to: number }) => found.eventDiff(deps, ask, input),
    restoreEvent: (ask: Ask, input: { event: string; version: number }) => changes.restoreEvent(deps, ask, input),
    exportEvent: (ask: Ask, event: string) => found.exportEvent(deps, ask, event),
    importEvents: (ask: Ask, input: ImportEventsInput) => importEvents(deps, ask, input),
    checkEvent: (ask: Ask, input: CheckEventInput) => checkEvent(deps, ask, input),
    runEvent: (ask: Ask, input: runs.RunEventInput) => runs.runEvent(deps, rate, ask, input),
    testEvent: (ask: Ask, input: runs.TestEventInput) => runs.testEvent(deps, rate, ask, input),
    listEventRuns: (ask: Ask, input: runs.ListEventRunsInput) => runs.listEventRuns(deps, ask, input),
    getEventRun: (ask: Ask, id: string) => runs.getEventRun(deps, ask, id),
    cancelEventRun: (ask: Ask, input: { id: string; reason?: string }) => runs.cancelEventRun(deps, ask, input),
    rerunEvent: (ask: Ask, id: string) => runs.rerunEvent(deps, rate, ask, id),
    openEventPayload: (ask: Ask, input: { id: string; which: 'input' | 'output' }) =>
      openEventPayload(deps, ask, input),
  }
}

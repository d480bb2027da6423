/** What may be done about schedules, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import * as schedules from './schedules.ts'

export function scheduleOperations(deps: Deps) {
  return {
    listSchedules: (ask: Ask, input: schedules.ListSchedulesInput) => schedules.listSchedules(deps, ask, input),
    getSchedule: (ask: Ask, id: string) => schedules.getSchedule(deps, ask, id),
    createSchedule: (ask: Ask, input: schedules.CreateScheduleInput) => schedules.createSchedule(deps, ask, input),
    changeSchedule: (ask: Ask, input: schedules.ChangeScheduleInput) => schedules.changeSchedule(deps, ask, input),
    deleteSchedule: (ask: Ask, id: string) => schedules.deleteSchedule(deps, ask, id),
    scheduleTicks: (ask: Ask, input: schedules.TicksInput) => schedules.scheduleTicks(deps, ask, input),
    previewSchedule: (ask: Ask, input: schedules.PreviewInput) => schedules.previewSchedule(deps, ask, input),
  }
}

import type { Operations } from '../../../operations/index.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import type { Implementer } from '../implementer.ts'

export const eventRoutes = (os: Implementer, on: Operations) => ({
  list: os.events.list.handler(({ input, context }) => on.listEvents(context.ask, input)),
  create: os.events.create.handler(({ input, context }) => on.createEvent(context.ask, input)),
  get: os.events.get.handler(({ input, context }) => on.getEvent(context.ask, input)),
  change: os.events.change.handler(({ input, context }) => on.changeEvent(context.ask, input)),
  delete: os.events.delete.handler(({ input, context }) => on.deleteEvent(context.ask, input.event)),
  clone: os.events.clone.handler(({ input, context }) => on.cloneEvent(context.ask, input)),
  versions: os.events.versions.handler(({ input, context }) => on.eventVersions(context.ask, input.event)),
  diff: os.events.diff.handler(({ input, context }) => on.eventDiff(context.ask, input)),
  restore: os.events.restore.handler(({ input, context }) => on.restoreEvent(context.ask, input)),
  export: os.events.export.handler(({ input, context }) => on.exportEvent(context.ask, input.event)),
  import: os.events.import.handler(({ input, context }) => on.importEvents(context.ask, input)),
  check: os.events.check.handler(({ input, context }) => on.checkEvent(context.ask, input)),
  run: os.events.run.handler(async ({ input, context }) => {
    const { run, replayed } = await on.runEvent(context.ask, { ...input, idempotencyKey: idempotencyKey(context) })
    if (replayed) context.reply.header('idempotency-replayed', 'true')
    return run
  }),
  test: os.events.test.handler(({ input, context }) => on.testEvent(context.ask, input)),
})

export const eventRunRoutes = (os: Implementer, on: Operations) => ({
  list: os.eventRuns.list.handler(({ input, context }) => on.listEventRuns(context.ask, input)),
  get: os.eventRuns.get.handler(({ input, context }) => on.getEventRun(context.ask, input.id)),
  cancel: os.eventRuns.cancel.handler(({ input, context }) => on.cancelEventRun(context.ask, input)),
  rerun: os.eventRuns.rerun.handler(({ input, context }) => on.rerunEvent(context.ask, input.id)),
})

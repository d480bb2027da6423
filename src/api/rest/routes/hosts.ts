import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const hostRoutes = (os: Implementer, on: Operations) => ({
  list: os.hosts.list.handler(({ input, context }) => on.listHosts(context.ask, input)),
  get: os.hosts.get.handler(({ input, context }) => on.getHost(context.ask, input.name)),
  create: os.hosts.create.handler(({ input, context }) => on.createHost(context.ask, input)),
  change: os.hosts.change.handler(({ input, context }) => on.changeHost(context.ask, input)),
  delete: os.hosts.delete.handler(({ input, context }) => on.deleteHost(context.ask, input.name)),
  scan: os.hosts.scan.handler(({ input, context }) => on.scanHost(context.ask, input.name)),
  confirm: os.hosts.confirm.handler(({ input, context }) => on.confirmHost(context.ask, input)),
  test: os.hosts.test.handler(({ input, context }) => on.testHost(context.ask, input.name)),
})

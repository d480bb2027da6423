import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const imageRoutes = (os: Implementer, on: Operations) => ({
  list: os.images.list.handler(({ context }) => on.listImages(context.ask)),
  get: os.images.get.handler(({ input, context }) => on.getImage(context.ask, input.name)),
  put: os.images.put.handler(({ input, context }) => on.putImage(context.ask, input)),
  pin: os.images.pin.handler(({ input, context }) => on.pinImage(context.ask, input)),
  delete: os.images.delete.handler(({ input, context }) => on.deleteImage(context.ask, input.name)),
})

/** What may be done about images, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import * as images from './images.ts'

export function imageOperations(deps: Deps) {
  return {
    listImages: (ask: Ask) => images.listImagesFor(deps, ask),
    getImage: (ask: Ask, name: string) => images.getImage(deps, ask, name),
    putImage: (ask: Ask, input: images.PutImageInput) => images.putImageBy(deps, ask, input),
    pinImage: (ask: Ask, input: { name: string; digest?: string | undefined }) => images.pinImage(deps, ask, input),
    deleteImage: (ask: Ask, name: string) => images.deleteImageBy(deps, ask, name),
  }
}

/**
 * The image of an attempt: whether it may be used here (asked although the server has asked: S6), whether it is here, and
 * how it is brought here. A container is made of the image's id, so a tag that moves meanwhile changes nothing.
 */
import type Docker from 'dockerode'
import type { ContainerOrder } from '../../job/container.ts'
import { fullReference, imageAllowed } from '../../job/image-reference.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import { isGone, isMissing, statusOf, unreachable, wordsOf, type Engine } from './engine.ts'

export interface ImageFound {
  id: string
  reference: string
  env: Record<string, string>
  /** Paths that the image wants to be volumes: they would be writable without a limit. */
  volumes: string[]
}

/** A tag that moved is noticed after so long. */
const freshMs = 10_000

export function allowedImage(place: AttemptOrder['place'], patterns: string[]): ContainerOrder {
  if (place?.refused !== undefined) throw new StartRefused('refused', place.refused)
  const order = place?.container
  if (order === undefined) throw new StartRefused('refused', 'its server has not said which image it gets')
  if (imageAllowed(order, patterns)) return order
  throw new StartRefused(
    'refused',
    `image ${order.reference} is not allowed on this runner (allowed are ${patterns.length > 0 ? patterns.join(', ') : 'images of the catalogue'}; setting RUNYARD_CONTAINER_IMAGES)`,
  )
}

export class Images {
  readonly #engine: Engine
  readonly #known = new Map<string, { image: ImageFound; until: number }>()
  readonly #pulls = new Map<string, Promise<void>>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  forget(reference: string): void {
    this.#known.delete(reference)
  }

  /** Rejects with StartRefused. */
  async find(order: ContainerOrder, signal: AbortSignal): Promise<ImageFound> {
    const { reference, pull } = order
    const known = this.#known.get(reference)
    if (known !== undefined && known.until > performance.now()) return known.image
    let image = pull === 'always' ? null : await this.#look(reference)
    if (image === null) {
      if (pull === 'never') throw missing(reference, 'and its pull policy is "never"; pull it on the runner’s host')
      await this.#pull(order, signal)
      image = await this.#look(reference)
    }
    if (image === null) throw missing(reference, 'although it was pulled')
    if (this.#known.size > 200) this.#known.clear()
    this.#known.set(reference, { image, until: performance.now() + freshMs })
    return image
  }

  async #look(reference: string): Promise<ImageFound | null> {
    try {
      const found = await this.#engine.docker.getImage(fullReference(reference)).inspect()
      const digest = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1]
      if (digest !== undefined && !digestsOf(found).includes(digest)) {
        throw new StartRefused('refused', `image ${reference} is here with another digest than the one it is pinned to`)
      }
      return {
        id: found.Id,
        reference,
        env: Object.fromEntries((found.Config?.Env ?? []).map((entry) => entry.split(/=(.*)/s).slice(0, 2))),
        volumes: Object.keys(found.Config?.Volumes ?? {}),
      }
    } catch (error) {
      if (error instanceof StartRefused) throw error
      if (isMissing(error)) return null
      throw isGone(error)
        ? unreachable(this.#engine.socket, error)
        : new StartRefused('infrastructure', `image ${reference} cannot be looked up: ${wordsOf(error)}`)
    }
  }

  /** Several attempts wait for one pull, each with its own patience. */
  async #pull(order: ContainerOrder, signal: AbortSignal): Promise<void> {
    const name = `${order.reference}\n${order.registry?.username ?? ''}`
    let pulling = this.#pulls.get(name)
    if (pulling === undefined) {
      pulling = this.#pullNow(order).finally(() => this.#pulls.delete(name))
      this.#pulls.set(name, pulling)
    }
    pulling.catch(() => {})
    const stopped = Promise.withResolvers<never>()
    const onAbort = (): void => stopped.reject(new StartRefused('infrastructure', 'stopped before it started'))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      await Promise.race([pulling, stopped.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #pullNow({ reference, registry }: ContainerOrder): Promise<void> {
    const { docker, socket } = this.#engine
    try {
      const stream = await docker.pull(
        fullReference(reference),
        registry === undefined ? {} : { authconfig: authOf(registry, reference) },
      )
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(stream, (error: Error | null, output: { error?: string }[]) => {
          const said = output?.find((line) => line.error !== undefined)?.error
          if (error || said !== undefined) reject(error ?? new Error(said))
          else resolve()
        })
      })
    } catch (error) {
      if (isGone(error)) throw unreachable(socket, error)
      throw pullRefused(reference, error)
    }
  }
}

const authOf = (
  { username, password }: NonNullable<ContainerOrder['registry']>,
  reference: string,
): Docker.AuthConfig => ({
  username,
  password,
  serveraddress: registryOf(reference),
})

const registryOf = (reference: string): string => {
  const [first = '', ...rest] = reference.split('/')
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : 'docker.io'
}

const digestsOf = (found: Docker.ImageInspectInfo): string[] => [
  found.Id,
  ...(found.RepoDigests ?? []).map((digest) => digest.split('@')[1] ?? ''),
]

const missing = (reference: string, why: string): StartRefused =>
  new StartRefused('refused', `image ${reference} is not here, ${why}`)

function pullRefused(reference: string, error: unknown): StartRefused {
  const words = wordsOf(error)
  const status = statusOf(error)
  if (status === 401 || status === 403 || /unauthorized|authentication required|denied|401|403/i.test(words)) {
    return new StartRefused(
      'refused',
      `image ${reference} cannot be pulled: its registry wants (other) credentials: ${words}; set them with runyard image`,
    )
  }
  if (/manifest unknown|not found|name unknown|no such image|invalid reference/i.test(words)) {
    return new StartRefused('refused', `image ${reference} does not exist at its registry: ${words}`)
  }
  return new StartRefused('unreachable', `image ${reference} cannot be pulled: ${words}`)
}

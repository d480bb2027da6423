/** What is known of the engine: for the plans of attempts, and for people. */
import { listedReferences } from '../../job/image-reference.ts'
import { StartRefused } from '../executor.ts'
import { aboutEngine, unreachable, type Engine, type EngineAbout } from './engine.ts'

const lookEveryMs = 15_000

export class EngineView {
  readonly #engine: Engine
  #about: Promise<EngineAbout> | undefined
  #known: EngineAbout | undefined
  #images: string[] | undefined
  #problem: string | undefined
  #lookedAt = -Infinity

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Rejects with StartRefused when it does not answer. */
  about(): Promise<EngineAbout> {
    this.#about ??= aboutEngine(this.#engine).then(
      (about) => (this.#known = about),
      (error: unknown) => {
        this.#about = undefined
        throw unreachable(this.#engine.socket, error)
      },
    )
    return this.#about
  }

  say(problem: string): void {
    this.#problem = problem
  }

  /** At once; what is older than some seconds is looked up for the next time. */
  state(): { socket: string; engine?: string; version?: string; images?: string[]; problem?: string } {
    if (performance.now() - this.#lookedAt > lookEveryMs) void this.#look()
    return {
      socket: this.#engine.socket,
      ...(this.#known && { engine: this.#known.name, version: this.#known.version }),
      ...(this.#images && { images: this.#images }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    }
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now()
    try {
      await this.about()
      const images = await this.#engine.docker.listImages()
      this.#images = images.flatMap(({ RepoTags, RepoDigests }) => listedReferences(RepoTags ?? [], RepoDigests ?? []))
      this.#problem = undefined
    } catch (error) {
      const { message } = error instanceof StartRefused ? error : unreachable(this.#engine.socket, error)
      this.#problem = message
    }
  }
}

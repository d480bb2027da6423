/** Bytes of a report pipe on their way to a file, and never more of them than were allowed. */
import { open, type FileHandle } from 'node:fs/promises'
import { unlinkIfThere } from '../supervisor/state-file.ts'
import type { ReportFound } from '../executor.ts'

export class ReportFile {
  readonly #path: string
  readonly #most: number
  #file: Promise<FileHandle> | null = null
  #writing: Promise<void> | null = null
  #length = 0
  #trouble: string | undefined

  /** `most`: bytes; whatever comes after them is thrown away. */
  constructor(path: string, most: number) {
    this.#path = path
    this.#most = most
  }

  /** `bytes` may be used again by the caller. The promise: bring no more until then. */
  take(bytes: Buffer): Promise<void> | undefined {
    if (this.#trouble !== undefined) return undefined
    if (this.#length + bytes.length > this.#most) {
      this.#trouble = 'more was written than the report files may hold'
      return undefined
    }
    this.#length += bytes.length
    const mine = Buffer.from(bytes)
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#write(mine))
    return this.#writing
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      this.#file ??= open(this.#path, 'w', 0o600)
      await (await this.#file).writeFile(bytes)
    } catch (error) {
      this.#trouble ??= `cannot be kept on the runner's disk: ${(error as Error).message}`
    }
  }

  /** Nothing more will come. */
  async finish(): Promise<ReportFound> {
    await this.#writing
    await this.#close()
    const trouble = this.#trouble
    return { path: this.#length > 0 ? this.#path : null, ...(trouble === undefined ? {} : { trouble }) }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.then((handle) => handle.close()).catch(() => {})
  }

  async remove(): Promise<void> {
    await this.#writing
    await this.#close()
    unlinkIfThere(this.#path)
  }
}

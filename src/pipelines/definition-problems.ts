/** What is wrong with the definitions of one file, each with its place. */
import type { DefinitionProblem } from '../job/pipeline.ts'
import type { Place } from './parse-yaml.ts'

export interface ReadProblem extends DefinitionProblem {
  /** Whose definition is wrong; null: the whole file. */
  pipeline: string | null
}

/** More of one file are read by nobody. */
const mostOfAFile = 200

export class Problems {
  readonly found: ReadProblem[] = []
  /** Those that are being read now. */
  pipeline: string | null = null
  /** Names of pipelines that cannot come into force. */
  readonly broken = new Set<string>()
  readonly file: string
  readonly strict: boolean
  #place: (at: number) => Place
  #untold = 0
  /** A value may be read twice. */
  #told = new Set<string>()

  constructor(file: string, strict: boolean, place: (at: number) => Place) {
    this.file = file
    this.strict = strict
    this.#place = place
  }

  error(at: number, path: string, message: string): void {
    this.at(this.#place(at), path, message)
  }

  /** At a place that is known as such. */
  at(place: Place, path: string, message: string, severity: 'error' | 'warning' = 'error'): void {
    if (severity === 'error' && this.pipeline !== null) this.broken.add(this.pipeline)
    const key = `${place.line}:${place.column} ${path} ${message}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    if (this.found.length >= mostOfAFile) return void (this.#untold += 1)
    this.found.push({ file: this.file, ...place, path, message, severity, pipeline: this.pipeline })
  }

  warn(at: number, path: string, message: string): void {
    this.at(this.#place(at), path, message, 'warning')
  }

  /** Like a warning; an error for who asked for it. */
  odd(at: number, path: string, message: string): void {
    this.at(this.#place(at), path, message, this.strict ? 'error' : 'warning')
  }

  place(at: number): Place {
    return this.#place(at)
  }

  all(): ReadProblem[] {
    if (this.#untold === 0) return this.found
    const message = `and ${this.#untold} more in this file`
    return [...this.found, { ...this.found.at(-1)!, path: '', message, pipeline: null }]
  }
}

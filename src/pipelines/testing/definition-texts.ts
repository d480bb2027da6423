/** Texts of definitions for tests, and what is told of them. */
import { readPipelines, type ReadDefinitions } from '../read-yaml.ts'

export const read = (text: string, strict = false): ReadDefinitions =>
  readPipelines([{ path: 'pipelines.yml', text }], { strict })

/** `line:column severity path: message` */
export const told = ({ problems }: ReadDefinitions): string[] =>
  problems.map((p) => `${p.line}:${p.column} ${p.severity} ${p.path}: ${p.message}`)

/** A pipeline `a` with these lines in it; they begin at line 3, column 5. */
export const inPipeline = (...lines: string[]): string =>
  ['pipelines:', '  a:', ...lines.map((line) => `    ${line}`)].join('\n')

/** A task `t` of it; its lines begin at line 5, column 9. */
export const inTask = (...lines: string[]): string =>
  inPipeline('tasks:', '  t:', ...lines.map((line) => `    ${line}`))

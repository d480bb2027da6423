/** From the texts of pipelines.yml files to definitions, and everything that is wrong with them. */
import { pipelineLimits, type PipelineDefinition } from '../job/pipeline.ts'
import { Problems, type ReadProblem } from './definition-problems.ts'
import { AliasBomb, Field, shown, type FileContext } from './field.ts'
import { parseYaml, type YamlTree } from './parse-yaml.ts'
import { readPipeline } from './schema-pipeline.ts'

export type { ReadProblem } from './definition-problems.ts'

export interface DefinitionFile {
  /** As it is shown in front of a line. */
  path: string
  text: string
  /** Why there is no text. */
  unreadable?: string
}

export interface ReadDefinition {
  name: string
  path: string
  definition: PipelineDefinition
  /** Its part of the file. */
  source: string
}

export interface ReadDefinitions {
  /** Those that can be used, in the order of the files. */
  pipelines: ReadDefinition[]
  /** Those that are there and cannot. */
  broken: { name: string; path: string }[]
  /** Nothing is known of what they hold: what came from them earlier stays. */
  unreadable: string[]
  problems: ReadProblem[]
}

interface Found extends ReadDefinition {
  field: Field
  file: FileContext
}

/** A wrong definition is left out and harms no other one. `strict`: unknown keys are errors, not warnings. */
export function readPipelines(files: readonly DefinitionFile[], { strict }: { strict: boolean }): ReadDefinitions {
  const read = files.map((file) => readFile(file, strict))
  const found = read.flatMap((each) => each.found)
  const first = new Map<string, Found>()
  for (const each of found) {
    const earlier = first.get(each.name)
    if (earlier === undefined) first.set(each.name, each)
    else refuseSecond(each, earlier)
  }
  const isBroken = ({ file, name }: Found): boolean => file.problems.broken.has(name)
  const all = [...first.values()]
  return {
    pipelines: all
      .filter((each) => !isBroken(each))
      .map(({ name, path, definition, source }) => ({ name, path, definition, source })),
    broken: all.filter(isBroken).map(({ name, path }) => ({ name, path })),
    unreadable: read.filter((each) => each.unreadable).map(({ path }) => path),
    problems: read.flatMap(({ problems }) => problems.all()),
  }
}

/** Which of the two is meant nobody can know: neither comes into force. */
function refuseSecond(second: Found, earlier: Found): void {
  for (const [one, other] of [
    [second, earlier],
    [earlier, second],
  ] as const) {
    const { problems } = one.file
    const { line } = other.file.problems.place(other.field.at)
    problems.pipeline = one.name
    problems.error(
      one.field.at,
      one.field.path,
      `${shown(one.name)} is in ${other.path}:${line} too: rename one of the two`,
    )
    problems.pipeline = null
  }
}

interface ReadFile {
  path: string
  found: Found[]
  problems: Problems
  unreadable: boolean
}

function readFile({ path, text, unreadable: away }: DefinitionFile, strict: boolean): ReadFile {
  const refused = away ?? refusal(text)
  if (refused !== undefined) {
    const problems = new Problems(path, strict, () => ({ line: 1, column: 1 }))
    problems.error(0, '', refused)
    return { path, found: [], problems, unreadable: true }
  }
  const tree = parseYaml(text)
  const problems = new Problems(path, strict, tree.place)
  if (tree.mistake !== null) {
    problems.error(tree.mistake.at, '', tree.mistake.message)
    return { path, found: [], problems, unreadable: true }
  }
  const file: FileContext = { text, tree, problems, repeated: new Set(), aliases: { used: 0, nodes: 0 } }
  const found: Found[] = []
  try {
    readRoot(file, path, found)
  } catch (error) {
    if (!(error instanceof AliasBomb)) throw error
    problems.pipeline = null
    // Anchors stand under keys of their own, which nobody wants to read about now.
    problems.found.length = 0
    problems.error(error.at, '', error.message)
    return { path, found: [], problems, unreadable: true }
  }
  const unreadable = found.length === 0 && problems.found.some(({ severity }) => severity === 'error')
  return { path, found, problems, unreadable }
}

function refusal(text: string): string | undefined {
  if (Buffer.byteLength(text) > pipelineLimits.fileBytes) {
    return `is larger than ${pipelineLimits.fileBytes / 1024 / 1024} MiB: divide it into several pipelines.yml`
  }
  if (!text.isWellFormed()) return 'is not valid Unicode'
  if (text.includes('\0')) return 'contains NUL characters: this is no text'
  return undefined
}

function readRoot(file: FileContext, path: string, found: Found[]): void {
  const { problems, tree } = file
  const root = new Field(file, tree.root, 0, '')
  const { pipelines } = root.keys(['pipelines'], false, 'pipelines: {build: {tasks: {…}}}')
  if (pipelines === undefined && problems.found.length === 0) {
    problems.warn(0, '', 'has no `pipelines:`, so there is nothing in it')
  }
  const entries = pipelines?.entries('pipelines: {build: {tasks: {…}}}') ?? []
  if (entries.length > pipelineLimits.pipelines) {
    return pipelines!.wrong(`are ${entries.length}: at most ${pipelineLimits.pipelines}`)
  }
  for (const { name, field } of entries) {
    problems.pipeline = name
    if (file.repeated.has(field.path)) problems.broken.add(name)
    const definition = readPipeline(name, field)
    found.push({ name, path, field, file, definition, source: sourceOf(file.text, tree, field) })
    problems.pipeline = null
  }
}

/** Whole lines where it is written so, with `pipelines:` above: what was cut out can be read again. */
function sourceOf(text: string, tree: YamlTree, { at, node }: Field): string {
  const own = node?.range !== undefined && node?.range !== null && node.range[0] >= at
  const end = own ? node.range![1] : at
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const lineEnd = text.indexOf('\n', Math.max(at, end - 1))
  if (text.slice(lineStart, at).trim() === '') {
    return `pipelines:\n${text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd).trimEnd()}\n`
  }
  return `pipelines: {${text.slice(at, end)}}\n`
}

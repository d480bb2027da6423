/** A parsed template. `at` is the place in its text, for messages. */
import type { Value } from './value.ts'

export type Operand =
  | { kind: 'dot'; at: number }
  | { kind: 'nil'; at: number }
  | { kind: 'literal'; at: number; value: Value; source: string }
  | { kind: 'field'; at: number; path: string[] }
  | { kind: 'variable'; at: number; name: string; path: string[] }
  | { kind: 'function'; at: number; name: string }
  | { kind: 'pipe'; at: number; pipe: Pipe }
  /** `(…).a.b` */
  | { kind: 'chain'; at: number; of: Operand; path: string[] }

/** A word and its arguments. */
export interface Command {
  at: number
  words: [Operand, ...Operand[]]
}

export interface Pipe {
  at: number
  /** `$x := …`, `$i, $v := …`, `$x = …`. */
  variables: string[]
  assigns: boolean
  commands: Command[]
}

export type Node =
  | { kind: 'text'; at: number; text: string }
  | { kind: 'action'; at: number; pipe: Pipe }
  | { kind: 'if' | 'with' | 'range'; at: number; pipe: Pipe; list: Node[]; otherwise: Node[] | null }
  | { kind: 'template'; at: number; name: string; pipe: Pipe | null }
  | { kind: 'break' | 'continue'; at: number }

/** By name; a Map, for a template may be called `constructor`. */
export type Templates = Map<string, Node[]>

const asPath = (path: string[]): string => path.map((name) => `.${name}`).join('')

/** As the author wrote it, for messages. */
export function describe(node: Operand): string {
  switch (node.kind) {
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'literal':
      return node.source
    case 'field':
      return asPath(node.path)
    case 'variable':
      return node.name + asPath(node.path)
    case 'function':
      return node.name
    case 'pipe':
      return '(…)'
    case 'chain':
      return `${describe(node.of)}${asPath(node.path)}`
  }
}

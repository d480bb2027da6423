/** Runs a parsed template: what is written goes to `output`, what does not fit is a `Problem` at `at`. */
import type { Budget } from './budget.ts'
import { Problem } from './error.ts'
import { sizeOf, type Callable } from './functions.ts'
import { describe, type Command, type Node, type Operand, type Pipe, type Templates } from './nodes.ts'
import { sprint } from './printf.ts'
import { isTrue, sortedEntries, typeName, type Value } from './value.ts'

interface Variable {
  name: string
  value: Value
}
/** How a list ended: by itself, or by {{break}} or {{continue}}. */
type Flow = 'on' | 'break' | 'continue'
/** No value was piped in. Nil can be. */
const nothing = Symbol('nothing piped in')
type Piped = Value | typeof nothing

export class Evaluator {
  readonly #templates: Templates
  readonly #functions: ReadonlyMap<string, Callable>
  readonly #budget: Budget
  readonly #output: string[] = []
  #variables: Variable[] = []
  /** The place of what is being done. */
  at = 0

  constructor(templates: Templates, functions: ReadonlyMap<string, Callable>, budget: Budget) {
    this.#templates = templates
    this.#functions = functions
    this.#budget = budget
  }

  run(name: string, data: Value): string {
    this.#template(name, data)
    return this.#output.join('')
  }

  #template(name: string, data: Value): void {
    const nodes = this.#templates.get(name)
    if (!nodes) throw new Problem(`template ${JSON.stringify(name)} not defined`)
    const outer = this.#variables
    this.#variables = [{ name: '$', value: data }]
    this.#budget.enter()
    this.#list(nodes, data)
    this.#budget.leave()
    this.#variables = outer
  }

  #write(text: string): void {
    this.#budget.write(text)
    this.#output.push(text)
  }

  #list(nodes: readonly Node[], dot: Value): Flow {
    return this.#budget.deeper(() => {
      for (const node of nodes) {
        this.at = node.at
        this.#budget.step()
        const flow = this.#node(node, dot)
        if (flow !== 'on') return flow
      }
      return 'on'
    })
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case 'text':
        this.#write(node.text)
        return 'on'
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        this.at = node.at
        if (node.pipe.variables.length === 0) this.#write(value === undefined ? '<no value>' : sprint([value]))
        return 'on'
      }
      case 'template': {
        const data = node.pipe === null ? undefined : this.#pipe(node.pipe, dot)
        this.at = node.at
        this.#template(node.name, data)
        return 'on'
      }
      case 'break':
      case 'continue':
        return node.kind
    }
    const inSight = this.#variables.length
    const flow = node.kind === 'range' ? this.#range(node, dot) : this.#branch(node, dot)
    this.#variables.length = inSight
    return flow
  }

  #branch(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: Value): Flow {
    const value = this.#pipe(node.pipe, dot)
    if (isTrue(value)) return this.#list(node.list, node.kind === 'with' ? value : dot)
    return node.otherwise === null ? 'on' : this.#list(node.otherwise, dot)
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: Value): Flow {
    const { variables, assigns } = node.pipe
    const over = this.#pipe(node.pipe, dot)
    this.at = node.at
    this.#budget.step(Math.ceil(sizeOf(over) / 64))
    const entries = this.#entries(over)
    const inSight = this.#variables.length
    let any = false
    for (const [key, value] of entries) {
      any = true
      this.#budget.step()
      const values = variables.length === 2 ? [key, value] : [value]
      for (const [i, name] of variables.entries()) {
        if (assigns) this.#find(name).value = values[i]
        else this.#variables[inSight - variables.length + i]!.value = values[i]
      }
      const flow = this.#list(node.list, value)
      this.#variables.length = inSight
      if (flow === 'break') break
    }
    return any || node.otherwise === null ? 'on' : this.#list(node.otherwise, dot)
  }

  #entries(over: Value): Iterable<[Value, Value]> {
    if (over == null) return []
    if (over instanceof Map) return sortedEntries(over)
    if (Array.isArray(over)) return over.map((value, i): [Value, Value] => [BigInt(i), value])
    throw new Problem(`range can't iterate over ${sprint([over])}`)
  }

  #find(name: string): Variable {
    const found = this.#variables.findLast((variable) => variable.name === name)
    if (!found) throw new Problem(`undefined variable: ${name}`)
    return found
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let piped: Piped = nothing
    for (const command of pipe.commands) {
      this.#budget.step()
      // A nil that was somebody's value is no value at all to whom it is handed on.
      piped = this.#command(command, dot, piped) ?? undefined
    }
    const value = piped as Value
    for (const name of pipe.variables) {
      if (pipe.assigns) this.#find(name).value = value
      else this.#variables.push({ name, value })
    }
    return value
  }

  #command({ words }: Command, dot: Value, piped: Piped): Value {
    const [first, ...args] = words
    this.at = first.at
    switch (first.kind) {
      case 'function':
        return this.#call(first.name, first.at, args, dot, piped)
      case 'field':
        return this.#path(dot, first.path, args.length > 0 || piped !== nothing)
      case 'variable':
      case 'chain':
        return this.#chain(first, dot, args.length > 0 || piped !== nothing)
      case 'nil':
        throw new Problem('nil is not a command')
    }
    if (args.length > 0 || piped !== nothing) {
      throw new Problem(`can't give argument to non-function ${describe(first)}`)
    }
    return this.#operand(first, dot)
  }

  #operand(node: Operand, dot: Value): Value {
    this.at = node.at
    this.#budget.step()
    switch (node.kind) {
      case 'dot':
        return dot
      case 'nil':
        return null
      case 'literal':
        return node.value
      case 'field':
        return this.#path(dot, node.path, false)
      case 'function':
        return this.#call(node.name, node.at, [], dot, nothing)
      case 'pipe':
        return this.#budget.deeper(() => this.#pipe(node.pipe, dot))
      default:
        return this.#chain(node, dot, false)
    }
  }

  #chain(node: Extract<Operand, { kind: 'variable' | 'chain' }>, dot: Value, hasArguments: boolean): Value {
    const value = node.kind === 'variable' ? this.#find(node.name).value : this.#operand(node.of, dot)
    this.at = node.at
    if (node.path.length > 0) return this.#path(value, node.path, hasArguments)
    if (hasArguments) throw new Problem(`can't give argument to non-function ${describe(node)}`)
    return value
  }

  #path(from: Value, path: readonly string[], hasArguments: boolean): Value {
    let value = from
    for (const [i, name] of path.entries()) {
      const key = JSON.stringify(name)
      this.#budget.step()
      if (value === undefined) throw new Problem(`nil data; no entry for key ${key}`)
      if (value === null) throw new Problem(`nil pointer evaluating interface {}.${name}`)
      if (!(value instanceof Map)) throw new Problem(`can't evaluate field ${name} in type ${typeName(value)}`)
      if (hasArguments && i === path.length - 1) throw new Problem(`${name} is not a method but has arguments`)
      const found = value.get(name)
      if (found === undefined) throw new Problem(`map has no entry for key ${key}`)
      value = found
    }
    return value
  }

  #call(name: string, at: number, args: readonly Operand[], dot: Value, piped: Piped): Value {
    const known = this.#functions.get(name)
    if (!known) throw new Problem(`function ${JSON.stringify(name)} not defined`)
    const count = args.length + (piped === nothing ? 0 : 1)
    if (count < known.least || count > known.most) {
      const wanted = known.least === known.most ? `want ${known.least}` : `want at least ${known.least}`
      throw new Problem(`wrong number of args for ${name}: ${wanted} got ${count}`)
    }
    if (name === 'and' || name === 'or') {
      for (const arg of args) {
        const value = this.#operand(arg, dot)
        if (isTrue(value) === (name === 'or')) return value
        if (arg === args.at(-1) && piped === nothing) return value
      }
      return piped as Value
    }
    const values: Value[] = []
    for (const [i, arg] of args.entries()) {
      const value = this.#operand(arg, dot)
      if (i === 0 && known.firstIsText) mustBeText(value)
      values.push(value)
    }
    this.at = at
    if (piped !== nothing) {
      if (args.length === 0 && known.firstIsText) mustBeText(piped)
      values.push(piped)
    }
    this.#budget.step(values.reduce<number>((sum, value) => sum + Math.ceil(sizeOf(value) / 256), 1))
    return this.#guarded(name, () => known.call(values, this.#budget))
  }

  #guarded(name: string, call: () => Value): Value {
    try {
      const value = call()
      if (typeof value === 'string') this.#budget.made(value)
      return value
    } catch (error) {
      throw new Problem(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function mustBeText(value: Value): void {
  if (typeof value === 'string') return
  if (value == null) throw new Problem('invalid value; expected string')
  throw new Problem(`wrong type for value; expected string; got ${typeName(value)}`)
}

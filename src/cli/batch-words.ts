/** What one writes on the command line for a part of a batch. */
import { InvalidArgumentError } from 'commander'
import { axisPattern, notifyOn, type Combination, type Notify, type Scalar } from '../api/contract/batches.ts'

/** `k=v`, joined to those before; the server makes numbers of texts where a field is one. */
export function parseParam(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [name, value] = pair(text)
  if (!/^\w{1,100}$/.test(name)) throw new InvalidArgumentError('has letters, digits and _ only before its =')
  return { ...before, [name]: value }
}

/** `browser=chrome,firefox`, `shard=1..20`. */
export function parseAxis(text: string, before: Record<string, Scalar[]> = {}): Record<string, Scalar[]> {
  const [name, values] = pair(text)
  if (!axisPattern.test(name)) throw new InvalidArgumentError('has letters, digits and _ only before its =')
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice: ${name}=one,two`)
  return { ...before, [name]: values.split(',') }
}

/** `browser=firefox,shard=3`: one combination. */
export function parseCombination(text: string, before: Combination[] = []): Combination[] {
  return [...before, Object.fromEntries(text.split(',').map((part) => pair(part)))]
}

/** `team` or `team:failed,cancelled`. */
export function parseNotify(text: string, before: Notify[] = []): Notify[] {
  const colon = text.indexOf(':')
  const channel = colon < 0 ? text : text.slice(0, colon)
  const words = colon < 0 ? ['ended'] : text.slice(colon + 1).split(',')
  const unknown = words.find((word) => !(notifyOn as readonly string[]).includes(word))
  if (channel === '') throw new InvalidArgumentError('names no channel: CHANNEL or CHANNEL:failed')
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${notifyOn.join(', ')}`)
  return [...before, { channel, on: words as Notify['on'] }]
}

function pair(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write NAME=VALUE')
  return [text.slice(0, equals), text.slice(equals + 1)]
}

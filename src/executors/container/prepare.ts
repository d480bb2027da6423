/** A container that waits for its order: created, attached (podman makes it there), started, and looked at. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartRefused } from '../executor.ts'
import { commandLineOf, startTimeOf } from '../processes.ts'
import { isGone, isMissing, statusOf, unreachable, wordsOf, type Engine } from './engine.ts'
import { makePlace, removePlace, type Place } from './place.ts'
import { createBody, type Made, type Shape } from './shape.ts'
import { wrapperScript } from './wrapper.ts'

export interface Prepared {
  id: string
  name: string
  place: Place
  shape: Shape
  stream: Duplex
  /** Of its first process, as this host counts; 0: not seen. */
  pid: number
  pidStart: string
  /** Without our own first process the command is that, and it has not been started. */
  direct: boolean
}

/** Its image has no /bin/sh. */
export class NoShell extends Error {}

export interface Making {
  engine: Engine
  /** Where the directories of containers are. */
  root: string
  tag: string
  shape: Shape
  key?: string
  /** Before anything of that name is there. */
  onNamed?(name: string): void
  direct?: Made['direct']
}

export async function prepare({ engine, root, tag, shape, key, direct, onNamed }: Making): Promise<Prepared> {
  const name = `runyard-${tag}-${randomBytes(6).toString('hex')}`
  onNamed?.(name)
  const place = await makePlace(root, name)
  const labels = { 'runyard.tag': tag, ...(key === undefined ? { 'runyard.warm': 'true' } : { 'runyard.key': key }) }
  let id: string | undefined
  let stream: Duplex | undefined
  try {
    const container = await engine.docker.createContainer(createBody(shape, { name, labels, place, direct }))
    id = container.id
    stream = await engine.attach(id)
    // Whoever has it then listens; one that goes while it waits is no error of anybody.
    stream.on('error', () => {})
    if (direct) return { id, name, place, shape, stream, pid: 0, pidStart: '', direct: true }
    await container.start()
    const pid = await pidOf(engine, id)
    return { id, name, place, shape, stream, pid, pidStart: startTimeOf(pid) ?? '', direct: false }
  } catch (error) {
    await discard(engine, { id: id ?? name, place }).catch(() => {})
    stream?.destroy()
    throw refusalFrom(error, engine, shape, direct?.command[0])
  }
}

/** 0 when this host has no such process: an engine may live in a machine of its own. */
export async function pidOf({ docker }: Engine, id: string): Promise<number> {
  const { State } = await docker.getContainer(id).inspect()
  const isIts = commandLineOf(State.Pid).includes(wrapperScript) || cgroupOf(State.Pid).includes(id)
  return isIts ? State.Pid : 0
}

function cgroupOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'latin1')
  } catch {
    return ''
  }
}

/** podman says 500 when the container's own end is being dealt with at the same moment. */
const againMs = [100, 400, 1500]

/** Whatever it does just now. Rejects when the engine does not say that it is gone. */
export async function discard(
  { docker }: Engine,
  { id, place }: { id: string; place: Pick<Place, 'dir'> },
): Promise<void> {
  for (const pause of [...againMs, 0]) {
    try {
      await docker.getContainer(id).remove({ force: true, v: true })
      break
    } catch (error) {
      if (isMissing(error)) break
      if (isGone(error) || pause === 0) throw error
      await sleep(pause)
    }
  }
  removePlace(place.dir)
}

const notFound = /executable file|no such file or directory|not found in \$PATH/i

function refusalFrom(error: unknown, engine: Engine, shape: Shape, program: string | undefined): Error {
  if (error instanceof StartRefused) return error
  if (isGone(error)) return unreachable(engine.socket, error)
  const words = wordsOf(error)
  const { reference } = shape.image
  if (/no such image/i.test(words)) {
    return new StartRefused('infrastructure', `image ${reference} went away while its container was made`)
  }
  if (program === undefined && notFound.test(words) && words.includes('/bin/sh')) return new NoShell()
  if (program !== undefined && notFound.test(words)) {
    return new StartRefused('start', `command not found: ${program} is not in image ${reference}`)
  }
  if (program !== undefined && /permission denied/i.test(words)) {
    return new StartRefused('start', `not executable: ${program} (permission denied)`)
  }
  if (/rlimit/i.test(words)) {
    return new StartRefused(
      'infrastructure',
      `the engine may not raise limits on this host: ${words}; set RUNYARD_CONTAINER_ULIMITS=nofile=1024,nproc=1024`,
    )
  }
  if (/unable to find network|network .*not found/i.test(words)) {
    return new StartRefused('refused', `network ${shape.network} does not exist here: make it on the runner's host`)
  }
  if (statusOf(error) === 400) return new StartRefused('refused', `the engine refuses its container: ${words}`)
  return new StartRefused('infrastructure', `its container cannot be made: ${words}`)
}

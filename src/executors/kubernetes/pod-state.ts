/** What a pod says of its job. */
import { AttemptLost, StartRefused } from '../executor.ts'
import type { DrivenEnd } from '../driver/driver.ts'
import { cannotRun, signalOf } from '../sandbox/status.ts'
import type { V1Pod } from './client.ts'
import { container } from './manifest.ts'

type Terminated = NonNullable<
  NonNullable<NonNullable<NonNullable<V1Pod['status']>['containerStatuses']>[number]['state']>['terminated']
>

const stateOf = (pod: V1Pod) => pod.status?.containerStatuses?.find(({ name }) => name === container)?.state

export const terminatedIn = (pod: V1Pod): Terminated | undefined => stateOf(pod)?.terminated
export const isRunning = (pod: V1Pod): boolean => stateOf(pod)?.running !== undefined
/** Over without a word about its container: evicted, or its node is gone. */
export const failedWithout = (pod: V1Pod): boolean => pod.status?.phase === 'Failed' && terminatedIn(pod) === undefined

const hopeless: Record<string, string> = {
  ImagePullBackOff: 'its image cannot be pulled',
  InvalidImageName: 'its image has no valid name',
  ErrImageNeverPull: 'its image is not on the node, and is never pulled',
  CreateContainerConfigError: 'its container cannot be configured',
  CreateContainerError: 'its container cannot be made',
}

/** Why it will never run. */
export function hopelessWords(pod: V1Pod): string | null {
  const waiting = stateOf(pod)?.waiting
  const what = hopeless[waiting?.reason ?? '']
  return what === undefined ? null : `${what}: ${waiting?.message ?? waiting?.reason}`
}

/** Why it does not run yet. */
export function waitingWords(pod: V1Pod): string | null {
  const unplaced = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unplaced) return `${unplaced.reason ?? 'not scheduled'}: ${unplaced.message ?? ''}`.trim()
  const waiting = stateOf(pod)?.waiting
  return waiting?.reason ? [waiting.reason, waiting.message].filter(Boolean).join(': ') : null
}

/** A container whose command could not be executed. */
export function notStarted(terminated: Terminated, program: string): StartRefused | null {
  const { reason, message = '' } = terminated
  if (reason !== 'StartError' && reason !== 'ContainerCannotRun') return null
  if (/executable file not found|no such file or directory/i.test(message)) return cannotRun(program, 'No such file')
  if (/permission denied/i.test(message)) return cannotRun(program, 'Permission denied')
  return new StartRefused('start', `cannot start ${program}: ${message.slice(0, 500)}`)
}

/** `remaining` 0: the container's own processes end with it, and it is over. */
export function endOf(terminated: Terminated): DrivenEnd {
  const { exitCode, reason, finishedAt } = terminated
  const oomKilled = reason === 'OOMKilled'
  return {
    ...{ exitCode, signal: signalOf(exitCode), oomKilled, usage: {}, remaining: 0 },
    ...(finishedAt && { endedAt: new Date(finishedAt).getTime() }),
  }
}

/** Its pod is gone and said nothing. */
export function endOfGone(told: 'TERM' | 'KILL' | null, why: string): DrivenEnd {
  if (told === null) throw new AttemptLost(why)
  return { exitCode: null, signal: `SIG${told}`, oomKilled: false, usage: {}, remaining: 0 }
}

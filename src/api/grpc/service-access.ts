/**
 * Which peers may call which service: the one table, asked before a byte of the request is read. What a person may do
 * with a service (a viewer starts nothing) is the operation's own question.
 */
import { AppError } from '../../lib/app-error.ts'
import type { Peer } from './peer.ts'

type Who = Peer['role']

interface Rule {
  may: readonly Who[]
  /** Methods that change nothing; a refusal of any other has its row in the audit log. */
  looks: readonly string[]
}

const people: readonly Who[] = ['admin', 'operator', 'viewer']
const certified: readonly Who[] = [...people, 'runner', 'server', 'enrol']

/** By the longest name that fits: a service, or one method of it. */
const rules: Readonly<Record<string, Rule>> = {
  '/JobService/': { may: people, looks: ['QueryStatus', 'SubscribeOutput'] },
  '/runyard.v1.JobService/': {
    may: people,
    looks: ['Get', 'List', 'Wait', 'ListAttempts', 'SubscribeOutput', 'WhoAmI'],
  },
  '/runyard.runner.v1.RunnerService/': { may: ['runner', 'local'], looks: [] },
  '/runyard.enrol.v1.EnrolService/Enrol': { may: ['enrol'], looks: [] },
  '/runyard.enrol.v1.EnrolService/Renew': { may: ['runner'], looks: [] },
  '/runyard.cluster.v1.': { may: ['server'], looks: [] },
  '/grpc.health.v1.Health/': { may: certified, looks: ['Check', 'Watch'] },
  '/grpc.reflection.': { may: certified.filter((role) => role !== 'enrol'), looks: ['ServerReflectionInfo'] },
}
const names = Object.keys(rules).toSorted((a, b) => b.length - a.length)

const ruleOf = (path: string): Rule | undefined => {
  const name = names.find((known) => path.startsWith(known))
  return name === undefined ? undefined : rules[name]
}

export function changesSomething(path: string): boolean {
  const method = path.slice(path.lastIndexOf('/') + 1)
  return ruleOf(path)?.looks.includes(method) !== true
}

/** Undefined when they may. What is not in the table, nobody may. */
export function refusalOf(peer: Peer, path: string): AppError | undefined {
  if (ruleOf(path)?.may.includes(peer.role)) return undefined
  const who = peer.role === 'local' ? 'the socket of runners' : `a certificate with the role ${peer.role}`
  return new AppError('permission_denied', `${who} may not call ${path}`)
}

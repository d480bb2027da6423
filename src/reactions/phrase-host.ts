/** The words of a message about a host. Pure. */
import { linkTo, type Words } from './phrase.ts'

/** It shows another key than the confirmed ones; `at` is ISO 8601. */
export interface HostKeyAlarm {
  kind: 'host_key'
  host: string
  type: string
  fingerprint: string
  /** Who met it; null: the server itself. */
  runner: string | null
  job: string | null
  at: string
}

export function phraseHostKey(facts: HostKeyAlarm, at: Date, publicUrl: string | undefined): Words {
  const { kind: _kind, ...alarm } = facts
  const { host, type, fingerprint, runner, job } = alarm
  const link = linkTo(publicUrl, `hosts/${host}`)
  const by = [...(runner === null ? [] : [`runner ${runner}`]), ...(job === null ? [] : [`job ${job}`])]
  return {
    subject: `Host ${host} shows another key`,
    text: [
      `It shows ${type} ${fingerprint}, which nobody has confirmed${by.length === 0 ? '' : ` (met by ${by.join(', ')})`}.`,
      'Nothing was sent to it, and no job goes there until an administrator has confirmed its key: it was installed anew, or somebody else answers at its address.',
    ].join('\n'),
    ...(link === undefined ? {} : { link }),
    tone: 'failed',
    type: 'host.key_changed',
    at: at.toISOString(),
    data: { host: alarm },
  }
}

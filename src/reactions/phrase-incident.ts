/** The words of a message about an incident. Pure. */
import { linkTo, type Words } from './phrase.ts'

/** Times are ISO 8601. */
export interface IncidentChanged {
  kind: 'incident'
  what: 'opened' | 'reopened' | 'closed'
  /** Public id of the incident. */
  id: string
  trouble: 'new' | 'repeated' | 'flapping' | 'late'
  title: string
  /** An event, `pipeline / task`, or a job's name. */
  source: { kind: 'event' | 'pipeline' | 'job'; name: string; id: string | null }
  failures: number
  /** The newest error, or why it closed. */
  text: string
  job: string | null
  opened_at: string
}

export function phraseIncident(facts: IncidentChanged, at: Date, publicUrl: string | undefined): Words {
  const { kind: _kind, what, ...incident } = facts
  const { source, failures, title, text, job } = incident
  const counted = `${failures} ${failures === 1 ? 'failure' : 'failures'}`
  const link = linkTo(publicUrl, `incidents/${facts.id}`)
  const lines = {
    opened: [text, ...(job === null ? [] : [`The job is ${job}.`])],
    reopened: [`It is back: ${text}`, `${counted} so far.`],
    closed: [`It is over: ${text}.`, `Open since ${facts.opened_at}${failures > 0 ? `, ${counted}` : ''}.`],
  }[what]
  const named = `${source.kind} ${source.name}`
  return {
    subject:
      what === 'closed'
        ? `Incident closed: ${named}`
        : `Incident${what === 'opened' ? '' : ' again'}: ${named} ${title}`,
    text: lines.join('\n'),
    ...(link === undefined ? {} : { link }),
    tone: what === 'closed' ? 'passed' : 'failed',
    type: `incident.${what}`,
    at: at.toISOString(),
    data: { incident },
  }
}

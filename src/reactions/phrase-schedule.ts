/** The words of a message about a schedule. Pure. */
import { linkTo, type Words } from './phrase.ts'

/** A tick whose run had not begun in time; times are ISO 8601. */
export interface ScheduleLate {
  kind: 'schedule_late'
  /** Public id of the schedule. */
  id: string
  name: string
  /** What it starts: a pipeline's name, or an event's, whose public id is `event`. */
  pipeline: string
  event?: string
  tick: string
  late_after_seconds: number
  outcome: 'started' | 'missed' | 'refused'
  run: string | null
  reason: string | null
}

export function phraseScheduleLate(facts: ScheduleLate, at: Date, publicUrl: string | undefined): Words {
  const { kind: _kind, ...schedule } = facts
  const run = facts.event === undefined ? `pipeline-runs/${facts.run}` : `events/${facts.event}`
  const link = linkTo(publicUrl, facts.run === null ? 'schedules' : run)
  const why = {
    started: `Its run ${facts.run} had not begun ${facts.late_after_seconds} s after that.`,
    missed: 'No server was there to start it, or the pipeline was gone.',
    refused: `It was not started: ${facts.reason}.`,
  }[facts.outcome]
  return {
    subject: `Schedule ${facts.name} of ${facts.pipeline} ${facts.outcome === 'started' ? 'is late' : 'did not start'}`,
    text: `It was due at ${facts.tick}. ${why}`,
    ...(link === undefined ? {} : { link }),
    tone: 'failed',
    type: 'schedule.late',
    at: at.toISOString(),
    data: { schedule },
  }
}

/** The words of a message. Pure. */
import type { Message } from '../job/message.ts'
import type { BatchEnded, PipelineEnded } from './outbox.ts'

export type Words = Omit<Message, 'channel' | 'about' | 'delivery_id'>

/** So many failed jobs are named. */
export const namedAtMost = 10

/** `failed`: names of failed jobs, at least `namedAtMost` of them if there are so many. */
export function phraseBatchEnd(facts: BatchEnded, failed: readonly string[], publicUrl: string | undefined): Words {
  const { counts, name } = facts
  const link = linkTo(publicUrl, `batches/${facts.id}`)
  const named = failed.slice(0, namedAtMost)
  const more = counts.failed - named.length
  const lines = [
    `${countsText(counts)}; ${durationText(facts)}.`,
    ...(facts.forced ? ['It was declared complete before all its jobs had ended.'] : []),
    ...(named.length === 0 ? [] : ['', 'Failed jobs:', ...named.map((job) => `- ${job}`)]),
    ...(named.length > 0 && more > 0 ? [`- and ${number(more)} more`] : []),
  ]
  return {
    subject: `Batch ${name} ${endText(facts)}`,
    text: lines.join('\n'),
    ...(link === undefined ? {} : { link }),
    tone: facts.status === 'cancelled' ? 'neutral' : facts.status,
    type: 'batch.ended',
    at: facts.ended_at,
    data: {
      batch: {
        ...{ id: facts.id, name, status: facts.status, counts, forced: facts.forced },
        ...{ created_at: facts.created_at, started_at: facts.started_at, ended_at: facts.ended_at },
        failed_jobs: named,
      },
    },
  }
}

/** `failed`: names of failed tasks, at least `namedAtMost` of them if there are so many. */
export function phrasePipelineEnd(
  facts: PipelineEnded,
  failed: readonly string[],
  publicUrl: string | undefined,
): Words {
  const { id, pipeline, status } = facts
  const link = linkTo(publicUrl, `runs/${id}`)
  const named = failed.slice(0, namedAtMost)
  const took = facts.started_at === null ? 'none of its tasks began' : durationText(facts)
  const lines = [
    `${took[0]!.toUpperCase()}${took.slice(1)}.`,
    ...(facts.last_error === null ? [] : [facts.last_error.slice(0, 1000)]),
    ...(named.length === 0 ? [] : ['', 'Failed tasks:', ...named.map((task) => `- ${task}`)]),
    ...(failed.length > named.length ? ['- and more'] : []),
  ]
  return {
    subject: `Pipeline ${pipeline} ${status === 'cancelled' ? 'was cancelled' : status}`,
    text: lines.join('\n'),
    ...(link === undefined ? {} : { link }),
    tone: status === 'cancelled' ? 'neutral' : status === 'failed' ? 'failed' : 'passed',
    type: 'pipeline.ended',
    at: facts.ended_at,
    data: {
      run: {
        ...{ id, pipeline, status, last_error: facts.last_error },
        ...{ created_at: facts.created_at, started_at: facts.started_at, ended_at: facts.ended_at },
        failed_tasks: named,
      },
    },
  }
}

export function phraseTest(channel: string, who: string, at: Date, publicUrl: string | undefined): Words {
  const link = linkTo(publicUrl, 'channels')
  return {
    subject: `Test of channel ${channel}`,
    text: `${who} sent this from Runyard to see that the channel works. It does.`,
    ...(link === undefined ? {} : { link }),
    tone: 'neutral',
    type: 'channel.test',
    at: at.toISOString(),
    data: { channel },
  }
}

export const linkTo = (publicUrl: string | undefined, path: string): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl.replace(/\/+$/, '')}/${path}`

const number = (n: number): string => n.toLocaleString('en-US')
const jobs = (n: number): string => `${number(n)} ${n === 1 ? 'job' : 'jobs'}`

function endText({ status, counts }: BatchEnded): string {
  if (status === 'failed') return `failed: ${number(counts.failed)} of ${jobs(counts.total)}`
  if (status === 'passed') return `passed: ${counts.total === 1 ? 'its job' : `all ${jobs(counts.total)}`}`
  return `was cancelled: ${number(counts.passed)} of ${jobs(counts.total)} passed`
}

function countsText(counts: BatchEnded['counts']): string {
  const words = ['passed', 'failed', 'cancelled', 'running', 'waiting'] as const
  const shown = words.filter((word) => word === 'passed' || word === 'failed' || counts[word] > 0)
  return shown.map((word) => `${number(counts[word])} ${word}`).join(', ')
}

/** From its first start; a batch of which nothing began has none. */
function durationText({ started_at, ended_at }: Pick<BatchEnded, 'started_at' | 'ended_at'>): string {
  if (started_at === null) return 'none of its jobs began'
  const seconds = Math.max(0, Math.round((Date.parse(ended_at) - Date.parse(started_at)) / 1000))
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  const shown = first === -1 ? parts.slice(2) : parts.slice(first, first + 2)
  return `took ${shown.map(([n, unit]) => `${n} ${unit}`).join(' ')}`
}

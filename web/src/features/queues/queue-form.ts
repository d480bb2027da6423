import type { Queue } from '../../lib/api.ts'

/** What the dialog holds: text, as it is typed. Empty is no limit, and for what is kept the installation's own. */
export interface QueueForm {
  concurrency: string
  rate_starts: string
  rate_seconds: string
  paused: boolean
  retain_days: string
  retain_count: string
}

export const formOf = (queue: Queue): QueueForm => ({
  concurrency: queue.concurrency?.toString() ?? '',
  rate_starts: queue.rate?.starts.toString() ?? '',
  rate_seconds: queue.rate?.seconds.toString() ?? '',
  paused: queue.paused,
  retain_days: queue.retain_days?.toString() ?? '',
  retain_count: queue.retain_count?.toString() ?? '',
})

/** A queue's own settings, as they are put; all go together, so one that changes takes the others along. */
export const settingsOf = ({ concurrency, rate, paused, retain_days, retain_count }: Queue) => ({
  concurrency,
  rate,
  paused,
  retain_days,
  retain_count,
})

export const emptyQueue: QueueForm = {
  concurrency: '',
  rate_starts: '',
  rate_seconds: '',
  paused: false,
  retain_days: '',
  retain_count: '',
}

/** What is no number goes to the server as it is, which says what is wrong with it. */
const number = (text: string): number | null => {
  const value = text.trim()
  return value === '' ? null : Number.isNaN(Number(value)) ? (value as unknown as number) : Number(value)
}

export const limitsOf = (form: QueueForm) => ({
  concurrency: number(form.concurrency),
  rate:
    form.rate_starts.trim() === '' && form.rate_seconds.trim() === ''
      ? null
      : { starts: number(form.rate_starts)!, seconds: number(form.rate_seconds)! },
  paused: form.paused,
  retain_days: number(form.retain_days),
  retain_count: number(form.retain_count),
})

/** `30 days, 100,000 jobs`. */
export function retentionText({ retention }: Pick<Queue, 'retention'>): string {
  const { days, count } = retention
  if (days === 0 && count === 0) return 'everything'
  return [
    ...(days === 0 ? [] : [days === 1 ? '1 day' : `${days} days`]),
    ...(count === 0 ? [] : [count === 1 ? '1 job' : `${count.toLocaleString()} jobs`]),
  ].join(', ')
}

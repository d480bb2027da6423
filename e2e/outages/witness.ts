/**
 * Jobs that leave a trace outside the product: each beat names job, attempt and the host's uptime, in a file of its
 * own. So what the product says of an attempt can be compared with what was really alive, and when.
 */
import assert from 'node:assert/strict'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job } from '../../src/api/contract/index.ts'
import { ended, logOf, type System } from '../system.ts'

const script = `
n=0
while [ $n -lt $1 ]; do
  n=$((n+1))
  read -r up _ < /proc/uptime
  echo "$RUNYARD_ATTEMPT $up" >> "$RUNYARD_JOB_ID"
  echo "line $n"
  sleep 0.1
done
echo "done $RUNYARD_ATTEMPT"`

export interface Witness {
  dir: string
  /** A job of about so many seconds, ten beats in each. */
  job(seconds: number, more?: Record<string, unknown>): Record<string, unknown>
  /** First and last beat of each attempt, in seconds of the host's uptime, in the order of attempts. */
  lives(jobId: string): Promise<{ attempt: number; from: number; to: number; beats: number }[]>
  remove(): Promise<void>
}

export async function makeWitness(): Promise<Witness> {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-witness-'))
  if (process.getuid?.() === 0) await chown(dir, 65534, 65534)
  return {
    dir,
    job: (seconds, more = {}) => ({
      command: ['bash', '-c', script, 'witness', String(Math.round(seconds * 10))],
      working_dir: dir,
      ...more,
    }),
    async lives(jobId) {
      const text = await readFile(join(dir, jobId), 'utf8').catch(() => '')
      const lives = new Map<number, { attempt: number; from: number; to: number; beats: number }>()
      for (const line of text.split('\n').filter(Boolean)) {
        const [attempt = 0, at = 0] = line.split(' ').map(Number)
        const life = lives.get(attempt) ?? { attempt, from: at, to: at, beats: 0 }
        life.to = at
        life.beats++
        lives.set(attempt, life)
      }
      return [...lives.values()].sort((a, b) => a.attempt - b.attempt)
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

const linesOf = (beats: number, attempt: number): string =>
  `${Array.from({ length: beats }, (_, i) => `line ${i + 1}\n`).join('')}done ${attempt}\n`

/** Ran once, undisturbed, and nothing of its output is missing or doubled. */
export async function assertUnharmed(system: System, witness: Witness, id: string, ms?: number): Promise<void> {
  const job = await ended(system, id, ms)
  assert.deepEqual([job.state, job.attempts_spent, job.last_attempt], ['succeeded', 1, 1], JSON.stringify(job))
  const lives = await witness.lives(id)
  assert.equal(lives.length, 1, `${id} lived ${lives.length} times`)
  assert.equal((await logOf(system, id)).toString(), linesOf(lives[0]!.beats, 1))
}

/** Ended well in the last of its attempts, and no two of them were alive at the same time. */
export async function assertNoOverlap(system: System, witness: Witness, id: string, ms?: number): Promise<Job> {
  const job = await ended(system, id, ms)
  assert.equal(job.state, 'succeeded', JSON.stringify(job))
  const lives = await witness.lives(id)
  for (const [i, life] of lives.entries()) {
    const next = lives[i + 1]
    if (next) assert(life.to < next.from, `attempts of ${id} overlap: ${JSON.stringify(lives)}`)
  }
  const last = lives.at(-1)!
  assert.equal((await logOf(system, id)).toString(), linesOf(last.beats, last.attempt))
  return job
}

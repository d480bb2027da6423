/**
 * Builds with one mistake each, which the checker must catch. A mistake is a change of text that must fit exactly once:
 * when the code has moved, this says so instead of testing nothing. The product itself knows nothing of it.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from './place.ts'

interface Edit {
  file: string
  find: string
  put: string
}

export interface BrokenBuild {
  mistake: string
  edits: Edit[]
}

const shipper = 'src/runner/log-shipper.ts'
const ends = 'src/queue/end-attempts.ts'

export const brokenBuilds = {
  exitIsEnd: {
    mistake: 'the exit of the process is taken for the end of its output: what has arrived by then is the log',
    edits: [
      {
        file: shipper,
        find: 'length: () => Math.min(file.length(), cursor.readableTo),',
        put: 'length: () => cursor.accepted,',
      },
      { file: shipper, find: 'cursor.waiting.push({ length: file.length(), resolve })', put: 'resolve()' },
    ],
  },
  ackBeforeCommit: {
    mistake: 'a submit is acknowledged before it is committed',
    edits: [
      {
        file: 'src/operations/jobs.ts',
        find: 'return await together.add(request)\n  } catch (error) {\n    await noteRefused(deps, ask, act, error)',
        put:
          'together.add(request).catch(() => {})\n' +
          '    return { publicIds: request.jobs.map((job) => job.publicId), replayed: false }\n' +
          '  } catch (error) {\n    await noteRefused(deps, ask, act, error)',
      },
    ],
  },
  finishWithoutToken: {
    mistake: 'whoever reports an end is believed, whatever his token',
    edits: [
      {
        file: 'src/queue/end-attempts.ts',
        find: "join attempts a on a.job_id = i.job_id and a.number = i.number and a.token = i.token\n        and ${ofRunner('i')}",
        put: 'join attempts a on a.job_id = i.job_id',
      },
      {
        file: 'src/operations/runner-finishing.ts',
        find: "if (!(await fence.holds(from, [report.ref]))[0]) return 'stale'",
        put: '',
      },
    ],
  },
  noSweep: {
    mistake: 'a runner leaves alone what an earlier one left behind',
    edits: [
      { file: 'src/runner/runner.ts', find: '    await sweep(executor)\n', put: '' },
      { file: 'src/runner/resume.ts', find: 'held.dismiss(running, note)', put: '' },
    ],
  },
  noGraceAfterOutage: {
    mistake: 'after an outage of everybody, what went silent is given away at once',
    edits: [
      {
        file: 'src/queue/rescue-lost.ts',
        find: 'case when before.away or before.set_back then',
        put: 'case when before.set_back then',
      },
    ],
  },
  noticeWithoutPoll: {
    mistake: 'work is looked for when a notice comes, and only then',
    edits: [
      {
        file: 'src/queue/dispatcher.ts',
        find: 'const poll = setInterval(() => void lookForWork(), options.pollMs ?? 1000)',
        put: 'const poll = setInterval(() => void lookForWork, options.pollMs ?? 1000)',
      },
    ],
  },
  leaseByLocalClock: {
    mistake: "a lease is renewed by the server's clock instead of the database's",
    edits: [
      {
        file: 'src/queue/heartbeat.ts',
        find: "lease_expires_at = ${newLease('$2')}",
        put: 'lease_expires_at = to_timestamp($2::float8)',
      },
      {
        file: 'src/queue/heartbeat.ts',
        find: '      leaseSeconds,\n    ],\n  })\n  const renewed',
        put: '      Date.now() / 1000 + leaseSeconds,\n    ],\n  })\n  const renewed',
      },
    ],
  },
  finishWithoutState: {
    mistake: 'an end is believed whatever state its attempt and its job are in',
    edits: [
      { file: ends, find: '\n      where j.state in ${held}\n      order by', put: '\n      order by' },
      { file: ends, find: 'row.open && !seen.has', put: '!seen.has' },
      { file: ends, find: " and ${isOpen('a')}\n  )`", put: '\n  )`' },
      { file: ends, find: 'where j.id = e.job_id and j.state in ${held}', put: 'where j.id = e.job_id' },
    ],
  },
  slotCounter: {
    mistake: 'slots are counted up and down instead of being counted from leases',
    edits: [
      {
        file: 'src/queue/claim.ts',
        find: 'Math.min(offer.slots, row.slots_left)',
        put: 'Math.min(offer.slots, row.slots_left - (taken.get(row.runner_id) ?? 0))',
      },
      { file: 'src/queue/claim-look.ts', find: 'r.slots - used.n as slots_left', put: 'r.slots as slots_left' },
      {
        file: 'src/queue/claim.ts',
        find: '  return { known, taken: await take(',
        put: '  for (const { runnerId } of plan) taken.set(runnerId, (taken.get(runnerId) ?? 0) + 1)\n  return { known, taken: await take(',
      },
      {
        file: 'src/queue/finish.ts',
        find: '      const endings: EndingAttempt[] = []\n',
        put:
          '      const endings: EndingAttempt[] = []\n' +
          '      for (const nr of mine.keys()) taken.set(items[nr]!.runnerId, (taken.get(items[nr]!.runnerId) ?? 1) - 1)\n',
      },
      {
        file: 'src/queue/finish.ts',
        find: "import { notify } from './notify.ts'",
        put: "import { notify } from './notify.ts'\nimport { taken } from './types.ts'",
      },
      { file: 'src/queue/claim.ts', find: 'import { attemptKey, type', put: 'import { attemptKey, taken, type' },
      {
        file: 'src/queue/types.ts',
        find: '/** The fence:',
        put: 'export const taken = new Map<string, number>()\n/** The fence:',
      },
    ],
  },
  dependenciesIgnored: {
    mistake: 'a job does not wait for those that it depends on',
    edits: [{ file: 'src/queue/submit-dependencies.ts', find: "blockers > 0 ? 'blocked' : 'ready'", put: "'ready'" }],
  },
  capIgnored: {
    mistake: 'the cap of a queue is not compared with what it has running',
    edits: [
      { file: 'src/queue/claim-look.ts', find: 'least(q.concurrency - coalesce(h.n, 0),', put: 'least(q.concurrency,' },
    ],
  },
  keyIgnored: {
    mistake: 'a second submit with the same key makes a second job',
    edits: [
      { file: 'src/queue/submit.ts', find: 'if (earlier) return', put: 'if (earlier && jobs.length === 0) return' },
    ],
  },
  cancelUnnoted: {
    mistake: 'a cancel leaves no row in the audit log',
    edits: [
      {
        file: 'src/operations/audited.ts',
        find: 'await noteDone(tx, ask, { ...act, target }, detail)',
        put: "if (act.action !== 'job.cancel') await noteDone(tx, ask, { ...act, target }, detail)",
      },
    ],
  },
  secretsUnmasked: {
    mistake: 'secrets are looked for in their raw form only',
    edits: [
      {
        file: 'src/logs/secret-forms.ts',
        find: 'if (encoded > mostEncodedBytes) continue',
        put: 'if (encoded > 0) continue',
      },
    ],
  },
} satisfies Record<string, BrokenBuild>

export interface Build {
  root: string
  remove(): void
}

/** A copy of the checkout's sources with the mistake in it. */
export function makeBroken({ mistake, edits }: BrokenBuild, from = repository): Build {
  const root = mkdtempSync(join(tmpdir(), 'ry-broken-'))
  const remove = (): void => rmSync(root, { recursive: true, force: true })
  try {
    for (const name of ['src', 'bin', 'package.json']) cpSync(join(from, name), join(root, name), { recursive: true })
    symlinkSync(join(from, 'node_modules'), join(root, 'node_modules'))
    const misfits = edits.flatMap((edit) => misfit(root, edit))
    if (misfits.length > 0) {
      throw new Error(
        `chaos/broken-builds.ts: the code that "${mistake}" breaks has moved. Find the place where the product avoids ` +
          `the mistake now, and adapt the edit:\n${misfits.join('\n')}`,
      )
    }
    for (const edit of edits) apply(root, edit)
    return { root, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Why an edit cannot be made; nothing when it can. */
function misfit(root: string, { file, find }: Edit): string[] {
  if (!existsSync(join(root, file))) return [`${file} is not there`]
  const found = readFileSync(join(root, file), 'utf8').split(find).length - 1
  return found === 1 ? [] : [`in ${file} this is found ${found} times instead of once: ${find}`]
}

function apply(root: string, { file, find, put }: Edit): void {
  const path = join(root, file)
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(find, () => put),
  )
}

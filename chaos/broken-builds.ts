/**
 * Builds with one mistake each, which the checker must catch. A mistake is a change of text that must fit exactly once:
 * when the code has moved, this says so instead of testing nothing. The product itself knows nothing of it.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from './stand.ts'

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
        file: 'src/operations/runner-port.ts',
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

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
  /** The first that fits is taken: the same mistake where the product does the thing in different ways. */
  ways: Edit[][]
}

const end = 'src/queue/end-attempts.ts'
const anybodysEnd: Edit = {
  file: end,
  find: "join attempts a on a.job_id = i.job_id and a.number = i.number and a.token = i.token\n        and ${ofRunner('i')}",
  put: 'join attempts a on a.job_id = i.job_id',
}
const shipper = 'src/runner/log-shipper.ts'
const lengthArrived: Edit = {
  file: shipper,
  find: 'length: () => Math.min(file.length, cursor.readableTo),',
  put: 'length: () => cursor.accepted,',
}
const shippedAtOnce: Edit = {
  file: shipper,
  find: 'cursor.waiting.push({ length: file.length, resolve })',
  put: 'resolve()',
}
const asCall = (edit: Edit): Edit => ({ ...edit, find: edit.find.replace('file.length', 'file.length()') })

export const brokenBuilds = {
  exitIsEnd: {
    mistake: 'the exit of the process is taken for the end of its output: what has arrived by then is the log',
    ways: [
      [lengthArrived, shippedAtOnce],
      [asCall(lengthArrived), asCall(shippedAtOnce)],
    ],
  },
  ackBeforeCommit: {
    mistake: 'a submit is acknowledged before it is committed',
    ways: [
      [
        {
          file: 'src/operations/jobs.ts',
          find: 'return await together.add(request)\n  } catch (error) {\n    await noteRefused(deps, ask, act, error)',
          put:
            'together.add(request).catch(() => {})\n' +
            '    return { publicIds: request.jobs.map((job) => job.publicId), replayed: false }\n' +
            '  } catch (error) {\n    await noteRefused(deps, ask, act, error)',
        },
      ],
    ],
  },
  finishWithoutToken: {
    mistake: 'whoever reports an end is believed, whatever his token',
    ways: [
      [
        anybodysEnd,
        {
          file: 'src/operations/runner-port.ts',
          find: "if (!held[i]) return 'stale'\n          const sealed",
          put: 'const sealed',
        },
      ],
      [
        anybodysEnd,
        {
          file: 'src/operations/runner-port.ts',
          find: "if (!(await fence.holds(from, [report.ref]))[0]) return 'stale'",
          put: '',
        },
      ],
    ],
  },
  noSweep: {
    mistake: 'a runner leaves alone what an earlier one left behind',
    ways: [
      [
        {
          file: 'src/runner/leftovers.ts',
          find: 'await executor.sweep(new Set(ours.map(({ state }) => attemptKey(state.ref))))',
          put: '0',
        },
        { file: 'src/runner/leftovers.ts', find: 'for (const place of others) await removePlace(place)', put: '' },
      ],
      [
        { file: 'src/runner/runner.ts', find: '    await sweep(executor)\n', put: '' },
        { file: 'src/runner/resume.ts', find: 'held.dismiss(running, note)', put: '' },
      ],
    ],
  },
} satisfies Record<string, BrokenBuild>

export interface Build {
  root: string
  remove(): void
}

/** A copy of the checkout's sources with the mistake in it. */
export function makeBroken({ mistake, ways }: BrokenBuild, from = repository): Build {
  const root = mkdtempSync(join(tmpdir(), 'ry-broken-'))
  const remove = (): void => rmSync(root, { recursive: true, force: true })
  try {
    for (const name of ['src', 'bin', 'package.json']) cpSync(join(from, name), join(root, name), { recursive: true })
    symlinkSync(join(from, 'node_modules'), join(root, 'node_modules'))
    const misfits = ways.map((way) => way.flatMap((edit) => misfit(root, edit)))
    const way = ways[misfits.findIndex((found) => found.length === 0)]
    if (way === undefined) {
      throw new Error(
        `chaos/broken-builds.ts: the code that "${mistake}" breaks has moved. Find the place where the product avoids ` +
          `the mistake now, and adapt the edit:\n${misfits.map((found) => found.join('\n')).join('\nor:\n')}`,
      )
    }
    for (const edit of way) apply(root, edit)
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

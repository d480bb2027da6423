/** Files that come, change, break and go, and what is in force meanwhile. */
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { joinServers } from '../queue/servers.ts'
import { pipelineInForce, putDefinition, versionOf } from './definition-store.ts'
import { findFiles } from './find-files.ts'
import { filesOfRoots, loadFiles, problemsOfFiles } from './load-files.ts'
import { definitionOf } from './testing/definitions.ts'
import { watchFiles } from './watch-files.ts'

function scratch(): string {
  const dir = scratchDir()
  onTestFinished(() => removeScratch(dir))
  return dir
}

async function world() {
  const base = await testDatabase()
  onTestFinished(() => base.drop())
  const { db } = base
  const root = scratch()
  await joinServers(db, { name: 'one', version: '0' })
  const schedules: string[] = []
  const parts = (roots: string[] = [root], server = 'one') => ({
    ...{ db, server, roots, strict: false, retiresOthers: true },
    schedulesChanged: async (_: unknown, id: string, { schedules: those }: { schedules: unknown[] }) =>
      void schedules.push(`${id}:${those.length}`),
  })
  return {
    ...{ db, root, parts, schedules },
    async write(path: string, text: string) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    },
    load: async (roots: string[] = [root], server = 'one') =>
      loadFiles(parts(roots, server), await filesOfRoots(roots)),
    version: async (name: string) => (await pipelineInForce(db, name))?.version ?? null,
    async problems(name: string) {
      const { rows } = await db.query<{ problems: { message: string }[] }>(
        'select problems from pipelines where name = $1',
        [name],
      )
      return rows[0]!.problems.map(({ message }) => message)
    },
  }
}

const pipeline = (name: string, script = 'true', more = ''): string =>
  `pipelines:\n  ${name}:\n    schedule: {every: 1h}\n    tasks: {t: {script: ["${script}"]${more}}}\n`

test('a definition is in force until its file says otherwise; one that is wrong changes nothing', async () => {
  const { root, write, load, version, problems, schedules, db } = await world()
  await write('pipelines.yml', pipeline('a'))
  await write('deep/er/pipelines.yaml', pipeline('b'))
  expect(await load()).toMatchObject({ pipelines: 2, changed: ['b', 'a'], gone: [], problems: [] })
  const first = (await pipelineInForce(db, 'a'))!
  expect(first).toMatchObject({ version: 1, root, definition: { tasks: [{ script: ['true'] }] } })

  await write('pipelines.yml', `# a remark\n${pipeline('a')}`)
  expect(await load()).toMatchObject({ changed: [], gone: [] })
  await write('pipelines.yml', pipeline('a', 'false'))
  expect(await load()).toMatchObject({ changed: ['a'] })
  expect(await versionOf(db, first.versionId)).toEqual(first)

  for (const [wrong, why] of [
    [pipeline('a', 'echo {{ end }}'), /^is no template/],
    [pipeline('a', 'x', ', depends_on: [y]'), /^there is no task `y`/],
    ['pipelines: [', /^Flow sequence/],
  ] as const) {
    await write('pipelines.yml', wrong)
    expect(await load()).toMatchObject({ changed: [], gone: [] })
    expect((await problems('a'))[0]).toMatch(why)
    expect(await version('a')).toBe(2)
  }
  await write('pipelines.yml', pipeline('a', 'false'))
  await load()
  expect([await version('a'), await problems('a'), await version('b')]).toEqual([2, [], 1])

  await rm(join(root, 'deep'), { recursive: true })
  expect(await load()).toMatchObject({ gone: ['b'] })
  expect(await version('b')).toBeNull()
  await write('moved/pipelines.yml', pipeline('b'))
  expect(await load()).toMatchObject({ changed: ['b'] })
  expect(await version('b')).toBe(1)
  const [b, a] = ['1', '2']
  expect(schedules).toEqual([`${b}:1`, `${a}:1`, `${a}:1`, `${b}:0`, `${b}:1`])
})

test('a root that is away keeps what came from it; one that is taken from the settings does not', async () => {
  const { root, parts, load, version, write, db } = await world()
  await joinServers(db, { name: 'two', version: '0' })
  await write('pipelines.yml', pipeline('a'))
  await load()
  await rename(root, `${root}-away`)
  onTestFinished(() => rename(`${root}-away`, root))
  expect(await load()).toMatchObject({ gone: [], problems: [{ file: root, message: 'there is no such directory' }] })
  expect([await version('a'), await problemsOfFiles(db)]).toMatchObject([1, [{ file: root }]])
  await load([root], 'two')
  await load([], 'one')
  expect(await version('a')).toBe(1)
  await loadFiles(parts([], 'two'), await filesOfRoots([]))
  expect([await version('a'), await problemsOfFiles(db)]).toEqual([null, []])
})

test('who did not choose the roots retires none of them', async () => {
  const { root, write, load, version, parts, db } = await world()
  await write('pipelines.yml', pipeline('a'))
  await load()
  for (const server of ['one', 'two']) {
    await joinServers(db, { name: server, version: '0' })
    const passing = { ...parts([], server), retiresOthers: false }
    expect(await loadFiles(passing, await filesOfRoots([]))).toMatchObject({ gone: [] })
    expect(await version('a')).toBe(1)
  }
  // Its own it knows, and what is not there any more is gone.
  await rm(join(root, 'pipelines.yml'))
  const own = { ...parts(), retiresOthers: false }
  expect(await loadFiles(own, await filesOfRoots([root]))).toMatchObject({ gone: ['a'] })
})

test('what nobody stored yet and is wrong is told beside its root', async () => {
  const { write, load, db, root } = await world()
  await write('pipelines.yml', `${pipeline('a')}  b: {tasks: 1}\n`)
  await write('x/pipelines.yml', 'pipelines: {a: {tasks: {t: {}}}}')
  await write('y/pipelines.yml', '- jobs')
  await load()
  expect(
    (await problemsOfFiles(db)).map(({ file, path, message }) => `${file.slice(root.length)} ${path} ${message}`),
  ).toEqual([
    expect.stringMatching(/^\/pipelines.yml pipelines.b.tasks must be a mapping/),
    expect.stringMatching(/^\/pipelines.yml pipelines.a `a` is in .*x\/pipelines.yml:1 too/),
    expect.stringMatching(/^\/x\/pipelines.yml pipelines.a `a` is in .*\/pipelines.yml:2 too/),
    expect.stringMatching(/^\/y\/pipelines.yml  must be a mapping/),
  ])
})

test('a name belongs to who has it: a person, a file, a directory that is loaded', async () => {
  const { write, load, db, version } = await world()
  const { rows } = await db.query<{ id: string }>(
    `insert into users (username, password_hash, role) values ('ann', '', 'operator') returning id`,
  )
  const person = { ownerId: rows[0]!.id, username: 'ann' }
  const stored = { name: 'a', definition: definitionOf(), source: 'x' }
  await db.tx((tx) => putDefinition(tx, { ...stored, from: person }))
  await write('pipelines.yml', pipeline('a'))
  const { problems } = await load()
  expect(problems).toMatchObject([{ message: 'a pipeline a was stored by ann: delete it or rename this one' }])
  expect(await pipelineInForce(db, 'a')).toMatchObject({ version: 1, root: null })
  await db.query('update pipelines set gone_at = now()')
  expect(await load()).toMatchObject({ changed: ['a'], problems: [] })
  const ofFile = (await pipelineInForce(db, 'a'))!
  expect([ofFile.version, ofFile.root !== null]).toEqual([2, true])
  await expect(db.tx((tx) => putDefinition(tx, { ...stored, from: person }))).rejects.toThrow(
    /is defined in .*pipelines.yml/,
  )
  const other = { path: '/elsewhere/pipelines.yml', root: '/elsewhere' }
  await expect(db.tx((tx) => putDefinition(tx, { ...stored, from: other }))).rejects.toThrow('is in')

  // What the file says, put by a person later, must not run in the directory of the file.
  await db.query('update pipelines set gone_at = now()')
  const { definition } = ofFile
  await db.tx((tx) => putDefinition(tx, { ...stored, definition, from: person }))
  expect(await pipelineInForce(db, 'a')).toMatchObject({ version: 3, root: null })
  await db.query('update pipelines set gone_at = now()')
  await load()
  expect(await version('a')).toBe(4)
  expect((await versionOf(db, ofFile.versionId)).root).toBe(ofFile.root)
})

test('links are followed, circles and second ways are not', async () => {
  const { root, write } = await world()
  const outside = scratch()
  await writeFile(join(outside, 'pipelines.yml'), pipeline('o'))
  for (const path of ['pipelines.yml', 'b/pipelines.yaml', 'node_modules/x/pipelines.yml', 'c/Pipelines.yml']) {
    await write(path, pipeline('x'))
  }
  await symlink(root, join(root, 'b', 'round'))
  await symlink(join(root, 'b'), join(root, 'again'))
  await symlink(outside, join(root, 'out'))
  await symlink(outside, join(root, 'out2'))
  await symlink(join(root, 'b', 'pipelines.yaml'), join(root, 'c', 'pipelines.yml'))
  await symlink('/nowhere', join(root, 'broken'))
  const found = (await findFiles(root)).files.map(({ path }) => path.slice(root.length))
  expect(found).toHaveLength(3)
  expect(found).toEqual(['/b/pipelines.yaml', expect.stringMatching(/^\/out2?\/pipelines.yml$/), '/pipelines.yml'])
})

test('a file that comes back to its directory is in force soon', async () => {
  const { root, write, version, parts } = await world()
  await write('deep/pipelines.yml', pipeline('a'))
  // Only what the system tells counts: the next look of its own is half a minute away.
  const watching = await watchFiles(parts(), { onError: (_, error) => expect.unreachable(String(error)) })
  onTestFinished(() => watching.stop())
  for (const script of ['echo two', 'echo three']) {
    await rm(join(root, 'deep/pipelines.yml'))
    await until(async () => (await version('a')) === null)
    await write('deep/pipelines.yml', pipeline('a', script))
    await until(async () => (await version('a')) !== null)
  }
})

test('a changed file is in force soon, without being asked for', async () => {
  const { write, parts, version, root } = await world()
  await write('pipelines.yml', pipeline('a'))
  const errors: unknown[] = []
  const watching = await watchFiles(parts(), { onError: (_, error) => errors.push(error), lookMs: 50 })
  onTestFinished(() => watching.stop())
  expect(await version('a')).toBe(1)
  await write('pipelines.yml', pipeline('a', 'echo two'))
  // A clock of coarse ticks may have written both at once.
  await utimes(join(root, 'pipelines.yml'), 1, 1)
  await until(async () => (await version('a')) === 2)
  await write('new/pipelines.yml', pipeline('b'))
  await until(async () => (await version('b')) === 1)
  await write('pipelines.yml', pipeline('c'))
  await watching.reload()
  expect([await version('a'), await version('c'), errors]).toEqual([null, 1, []])
})

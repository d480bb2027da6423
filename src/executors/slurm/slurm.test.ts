import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig, type DrivenRig } from '../driver/testing/rig.ts'
import { AttemptLost } from '../executor.ts'
import { allPids, commandLineOf } from '../processes.ts'
import type { Overrides } from '../testing/orders.ts'
import { textOf } from '../testing/read-log.ts'
import { until } from '../testing/until.ts'
import { factsIn } from './cluster-facts.ts'
import { refusalIn, runCommand } from './commands.ts'
import { endWithoutWrapper } from './end-of-job.ts'
import { jobcompOf } from './job-states.ts'
import { statusIn } from './status.ts'
import { noSlurm, startCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  if (noSlurm === false) cluster = await startCluster()
})
afterAll(async () => {
  await cluster?.stop()
})

/** Attempt directories of the cluster's side. */
const rigOf = (): Promise<DrivenRig> => {
  const dir = join(cluster.dir, 'jobs')
  mkdirSync(dir, { recursive: true })
  return createDrivenRig({
    kind: 'slurm',
    config: { slurm: { dir, partitions: [], user: 'nobody', conf: cluster.conf } },
    leftovers: ({ tag }) => (existsSync(join(dir, tag)) ? readdirSync(join(dir, tag)) : []),
  })
}

executorConformance('slurm', rigOf, noSlurm)

describe.skipIf(noSlurm).concurrent('jobs of Slurm', () => {
  let rig: DrivenRig
  /** Whose driver process is killed. */
  let other: DrivenRig
  beforeAll(async () => {
    ;[rig, other] = await Promise.all([rigOf(), rigOf()])
  })
  afterAll(() => Promise.all([rig?.close(), other?.close()]))
  const sh = (script: string, overrides?: Overrides) => rig.run(['sh', '-c', script], overrides)
  const refused = (overrides: Overrides, command = ['true']) =>
    rig.run(command, overrides).then(
      () => 'it ran',
      (error: Error) => error.message,
    )

  // At once: the scheduler looks once a second.
  test('user, environment, files, strays, memory, refusals', async () => {
    const place = join(cluster.dir, 'jobs', rig.config.tag)
    const [who, left, outputs, binary, eater, ended] = await Promise.all([
      sh('id -un; pwd; ls -A ..; echo $SLURM_CPUS_ON_NODE $A; ps -eo args | grep -c hidden-[w]ord', {
        secretEnv: { A: 'hidden-word' },
        limits: { cpu: 3 },
      }),
      sh('setsid sh -c "env -i sleep 300 & sleep 300" & echo $!; sleep 0.2'),
      sh('echo answer=42 > $RUNYARD_OUTPUT', { spec: { outputs: true } }),
      sh('head -c 3000000 /dev/zero; head -c 700000 /dev/zero | tr "\\0" "\\377" >&2; kill -9 $$'),
      sh(`exec perl -e '$x = "a" x 3e8; sleep 30'`, { limits: { memory_bytes: 64 * 1024 * 1024 } }),
      (async () => {
        const { attempt } = await rig.start(['sleep', '30'])
        const name = `runyard-${rig.config.tag}-${attempt.key}`
        await runCommand({ conf: cluster.conf }, 'scancel', [`--name=${name}`])
        const end = await attempt.ended
        await attempt.release()
        return end
      })(),
      expect(refused({}, ['/no/such/program'])).resolves.toContain('command not found: /no/such/program'),
      expect(refused({ limits: { pids: 5 }, named: ['pids'] })).resolves.toContain('limits.pids cannot be held'),
      expect(refused({ limits: { cpu: 0.5 }, named: ['cpu'] })).resolves.toContain('limits.cpu cannot be held'),
      expect(refused({ spec: { slurm: { partition: 'nowhere' } } })).resolves.toContain('invalid partition'),
      expect(refused({ spec: { slurm: { nodes: 9 } } })).resolves.toMatch(
        /PartitionNodeLimit|BadConstraints|does not take/,
      ),
    ])
    expect(who.stdout.split('\n')).toEqual(['nobody', expect.stringContaining('/box/home'), 'home', '3 ***', '0', ''])
    expect(who.unenforced).toEqual(['cpu', 'pids', 'disk_bytes'])
    expect(left).toMatchObject({ exitCode: 0, remaining: 0 })
    expect(outputs).toMatchObject({ exitCode: 0, report: { path: expect.stringContaining(rig.config.dir) } })
    expect([binary.stdout.length, binary.stderr.length]).toEqual([3_000_000, 700_000])
    expect(binary).toMatchObject({ signal: 'SIGKILL', oomKilled: false })
    expect(eater).toMatchObject({ oomKilled: true, oomProbably: true })
    expect(ended).toMatchObject({ said: { message: expect.stringContaining('cancelled in Slurm') } })
    expect(readdirSync(place)).toEqual([])
  })

  test('nobody renews the lease: it is killed there; driver process killed: the next one goes on', async () => {
    const [kept, forgotten] = await Promise.all([
      other.start(['sh', '-c', 'echo one; while [ ! -e ../go ]; do sleep 0.1; done; echo two']),
      other.start(['sleep', '299.5'], { keepForMs: 5_000 }),
    ])
    const sleeper = () => allPids().filter((pid) => commandLineOf(pid) === 'sleep\x00299.5\x00')
    expect(sleeper()).toHaveLength(1)
    process.kill(other.pid()!, 'SIGSTOP')
    await until(() => sleeper().length === 0)
    process.kill(other.pid()!, 'SIGKILL')
    writeFileSync(join(cluster.dir, 'jobs', other.config.tag, kept.order.key, 'box', 'go'), '')
    expect(await kept.attempt.ended).toMatchObject({ exitCode: 0, remaining: 0 })
    expect(await textOf(kept.attempt.log, 'stdout')).toBe('one\ntwo\n')
    expect(await forgotten.attempt.ended).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
    await Promise.all([kept.attempt.release(), forgotten.attempt.release()])
    expect(other.leftovers()).toEqual([])
  })
})

test('what a node wrote is read strictly', () => {
  expect(statusIn('ready n1\nstarted\nended 3 0 10 20 30 0 4 5 0\n').ended).toMatchObject({ exitCode: 3, signal: null })
  expect(statusIn('ended 0 9 10 20 30 0 4 5 0\n').ended).toMatchObject({ exitCode: 137, signal: 'SIGKILL' })
  for (const half of ['ended 0 0 10 20', 'ended 0 0 10 20 30 0 4 5 0', 'ended 0 0 10 20 30 -1 4 5 0\n', 'ended\n']) {
    expect(statusIn(half).ended).toBeUndefined()
  }
})

test('who ended it: Slurm’s books', () => {
  const line = (state: string) => `JobId=77 UserId=a(1) Name=x JobState=${state} Partition=main ExitCode=0:9 \n`
  expect(jobcompOf(`${line('FAILED')}JobId=7 JobState=COMPLETED ExitCode=0:0 \n`, '77')).toEqual({
    ...{ state: 'FAILED', reason: '', exit: '0:9' },
  })
  expect(jobcompOf(line('FAILED'), '7')).toBeNull()
  const end = (state: string, exit?: string) =>
    endWithoutWrapper({ state, reason: '', ...(exit && { exit }) }, '', '-', {})
  expect(end('OUT_OF_MEMORY')).toMatchObject({ oomKilled: true })
  expect(end('TIMEOUT')).toMatchObject({ said: { errorClass: 'exit' } })
  expect(end('FAILED', '5:0')).toMatchObject({ exitCode: 5, signal: null })
  expect(() => end('NODE_FAIL')).toThrow('its node of the cluster failed')
  // Its wrapper ends with 0 when nobody wanted the job any more: that is no success.
  expect(() => end('COMPLETED', '0:0')).toThrow(AttemptLost)
  expect(() => endWithoutWrapper(null, '', '-', {})).toThrow('does not know it any more')
})

test('what a cluster holds', () => {
  const config = 'TaskPlugin = task/affinity,task/cgroup\nConstrainRAMSpace = yes\nConstrainCores = yes\n'
  expect(factsIn(config, [])).toMatchObject({ memoryHeldBy: 'cgroup', cpuHeldBy: 'its cores', jobcomp: null })
  expect(factsIn('TaskPlugin = task/none\n', [])).toMatchObject({ memoryHeldBy: null, cpuHeldBy: null })
  expect(refusalIn('sbatch', 'sbatch: error: Unable to contact slurm controller (connect failure)').errorClass).toBe(
    'unreachable',
  )
  expect(refusalIn('sbatch', 'sbatch: error: Invalid account').errorClass).toBe('refused')
})

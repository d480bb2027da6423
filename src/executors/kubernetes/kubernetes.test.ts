import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig, type DrivenRig } from '../driver/testing/rig.ts'
import { readReport } from '../../runner/read-report.ts'
import type { Overrides } from '../testing/orders.ts'
import { until } from '../testing/until.ts'
import { startCluster, type SimulatedCluster } from './testing/api.ts'

let cluster: SimulatedCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.stop())

const image = { name: null, reference: 'registry.test/tools:1', pull: 'missing' } as const
const rigOf = async (): Promise<DrivenRig> => ({
  ...(await createDrivenRig({
    kind: 'kubernetes',
    config: { kubernetes: { config: cluster.config, namespaces: ['default'], images: ['**'] } },
    overrides: { place: { container: image }, spec: { container: { image: image.reference } } },
    leftovers: () => cluster.objects(),
  })),
  oneStream: true,
})

executorConformance('kubernetes (against a simulated API)', rigOf)

describe('jobs of Kubernetes', () => {
  let rig: DrivenRig
  beforeAll(async () => {
    rig = await rigOf()
  })
  afterAll(() => rig?.close())
  const refused = (overrides: Overrides, command = ['true']) =>
    rig.run(command, overrides).then(
      () => 'it ran',
      (error: Error) => error.message,
    )
  const imaged = (reference: string): Overrides => ({ place: { container: { ...image, reference } } })

  test('what the cluster is given, and what it says', async () => {
    const { attempt, order } = await rig.start(
      ['sh', '-c', 'echo "$A $$(B) \\$HOME"; echo x=1 > $RUNYARD_OUTPUT; sleep 0.2'],
      {
        secretEnv: { A: 'hidden-word' },
        spec: { outputs: true },
      },
    )
    const name = `runyard-${rig.config.tag}-${order.key}`
    const [job, secret] = [cluster.jobs().get(name)!, cluster.secrets().get(name)!]
    const pod = job.spec.template.spec!
    const container = pod.containers[0]!
    expect(JSON.stringify(job)).not.toContain('hidden-word')
    expect(secret.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'Job', name, uid: job.metadata.uid }),
    ])
    expect(job.spec).toMatchObject({ backoffLimit: 0, suspend: false, activeDeadlineSeconds: expect.any(Number) })
    expect(pod).toMatchObject({
      ...{ restartPolicy: 'Never', automountServiceAccountToken: false },
      securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(container.securityContext).toMatchObject({
      ...{ allowPrivilegeEscalation: false, privileged: false },
      capabilities: { drop: ['ALL'] },
    })
    expect(container.resources!.limits).toEqual(container.resources!.requests)
    const ended = await attempt.ended
    expect(ended).toMatchObject({ exitCode: 0, unenforced: ['pids', 'open_files'] })
    expect((await readReport(ended.report!, ['output'])).outputs).toEqual({ x: '1' })
    await attempt.release()
    expect(cluster.objects()).toEqual([])
  })

  test('refused with the reason, out of memory, a log that breaks off, a place that is full', async () => {
    const waiting = rig.executor.start(rig.order(['true'], imaged('huge/tools')))
    const cut = rig.start(['sh', '-c', 'head -c 200000 /dev/zero; while [ ! -e go ]; do sleep 0.02; done; echo end'])
    const words = await Promise.all([
      refused(imaged('missing/tools')),
      refused({}, ['/no/such/program']),
      refused({ limits: { pids: 5 }, named: ['pids'] }),
      refused({ spec: { kubernetes: { namespace: 'kube-system' } } }),
      refused({ spec: { artifacts: ['x'] } }),
      refused({ place: {} }),
    ])
    expect(words).toEqual([
      expect.stringContaining('its image cannot be pulled: Back-off pulling image "missing/tools"'),
      expect.stringContaining('command not found: /no/such/program'),
      expect.stringContaining('limits.pids cannot be held'),
      expect.stringContaining('kubernetes.namespace kube-system is not allowed'),
      expect.stringContaining('artifacts of a job on Kubernetes cannot be read'),
      expect.stringContaining('has not said which image'),
    ])
    const eater = await rig.run(['sh', '-c', 'kill -9 $$'], imaged('greedy/tools'))
    expect(eater).toMatchObject({ oomKilled: true, exitCode: 137, signal: 'SIGKILL' })
    const { attempt, order, stdout } = await cut
    await until(async () => (await stdout()).length === 200_000)
    cluster.cutLogs()
    writeFileSync(join(cluster.dir, `runyard-${rig.config.tag}-${order.key}-abcde.home`, 'go'), '')
    expect(await attempt.ended).toMatchObject({ exitCode: 0 })
    expect((await stdout()).slice(199_999)).toBe('\0end\n')
    await attempt.release()
    const { kubernetes } = (await rig.executor.states()) as { kubernetes: { waiting: { why: string }[] } }
    expect(kubernetes.waiting[0]!.why).toContain('Unschedulable: 0/1 nodes are available')
    const [stuck] = cluster.objects()
    const key = stuck!.slice(`runyard-${rig.config.tag}-`.length)
    await expect(Promise.all([waiting, rig.executor.extend([key], 0)])).rejects.toThrow('it was stopped before it ran')
    expect(cluster.objects()).toEqual([])
  })

  test('its deadline in the cluster moves with the lease; driver process killed: the next one goes on', async () => {
    const kept = await rig.start(['sleep', '30'], { keepForMs: 8_000 })
    const gone = await rig.start(['sleep', '30'])
    const nameOf = ({ order }: typeof kept): string => `runyard-${rig.config.tag}-${order.key}`
    const { spec } = cluster.jobs().get(nameOf(kept))!
    expect(spec.activeDeadlineSeconds).toBeLessThanOrEqual(8)
    await rig.executor.extend([kept.order.key], 40_000)
    await until(() => spec.activeDeadlineSeconds! > 30)
    process.kill(rig.pid()!, 'SIGKILL')
    cluster.forget(`${nameOf(gone)}-abcde`)
    await expect(gone.attempt.ended).rejects.toThrow('its pod is not in the cluster any more')
    await kept.attempt.stop('cancelled', 5_000)
    expect(await kept.attempt.ended).toMatchObject({ signal: 'SIGTERM', reason: 'cancelled' })
    await Promise.all([kept.attempt.release(), gone.attempt.release()])
    expect(cluster.objects()).toEqual([])
  })

  test('a cluster that does not answer, or does not want it', async () => {
    cluster.failNext(/POST .*jobs/, 503)
    expect(await refused({})).toContain('Kubernetes does not answer: 503 as the test wants it')
    cluster.failNext(/POST .*secrets/, 403)
    expect(await refused({})).toContain('Kubernetes does not take the job: as the test wants it')
    expect(cluster.objects()).toEqual([])
  })
})

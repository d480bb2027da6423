/** Against a podman service of its own; what is asked of every executor, and what only containers have. */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReportFrames, type ReportFrame } from '../../job/report-frames.ts'
import { executorConformance } from '../conformance.ts'
import type { DrivenRig } from '../driver/testing/rig.ts'
import type { Overrides } from '../testing/orders.ts'
import { openPolicy } from '../testing/rig.ts'
import { textOf } from '../testing/read-log.ts'
import { until } from '../testing/until.ts'
import { noEngine, startEngine, type TestEngine } from './testing/engine.ts'
import { makeImage } from './testing/images.ts'
import { containerRig, containersOf, image, inImage, placesLeft } from './testing/rig.ts'
import { placesOf } from './place.ts'

const dashImage = 'localhost/runyard-test/dash:1'
const bareImage = 'localhost/runyard-test/bare:1'
const jobUid = 391_600
let engine: TestEngine
let work: string

beforeAll(async () => {
  if (noEngine) return
  engine = await startEngine()
  work = mkdtempSync(join(tmpdir(), 'runyard-container-test-'))
  chmodSync(work, 0o755)
  await Promise.all([
    makeImage(engine.engine, image, {
      changes: ['ENTRYPOINT ["/bin/false"]', 'USER 0', 'ENV OF_IMAGE=here', 'ENV PATH=/opt/bin:/bin', 'VOLUME /data'],
    }),
    makeImage(engine.engine, dashImage, { shell: 'dash' }),
    makeImage(engine.engine, bareImage, { shell: null, programs: ['/bin/echo', '/bin/sleep'] }),
  ])
}, 60_000)
afterAll(async () => {
  await engine?.close()
  if (work) rmSync(work, { recursive: true, force: true })
})

executorConformance(
  'a container',
  () => containerRig(engine, {}, inImage(image, { warm: { least: 0, most: 2 } })),
  noEngine,
)

describe.skipIf(noEngine)('containers', () => {
  let rig: DrivenRig
  const servers = [1, 2].map(() => createServer((_, answer) => answer.end('reached')))
  beforeAll(async () => {
    await Promise.all(servers.map((one) => new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))))
    const allowed = join(work, 'allowed')
    mkdirSync(join(allowed, 'own'), { recursive: true })
    chownSync(join(allowed, 'own'), jobUid, jobUid)
    writeFileSync(join(allowed, 'file'), 'of the host\n')
    rig = await containerRig(engine, {
      policy: {
        ...openPolicy,
        allowedWorkdirs: [allowed],
        allowedReadOnlyBinds: [allowed, tmpdir()],
        sharedInputs: { runner: 'r1', dirs: { lake: allowed } },
      },
      egressAllow: servers.map((one) => `127.0.0.1:${(one.address() as { port: number }).port}`),
    })
  })
  afterAll(async () => {
    for (const server of servers) server.close()
    const left = rig && (await containersOf(engine, rig))
    await rig?.close()
    if (rig) {
      expect(left).toEqual([])
      expect(placesLeft(rig)).toEqual([])
    }
  })
  const sh = (script: string, overrides?: Overrides) => rig.run(['sh', '-c', script], overrides)
  const refusal = async (overrides: Overrides, command = ['true']): Promise<string> => {
    const failed = await rig.run(command, overrides).catch((error: Error) => error)
    return failed instanceof Error ? failed.message : `it ran: ${failed.exitCode} ${failed.stderr}`
  }

  test('it is nobody, may nothing, and sees nothing of the host; nothing of the image decides', async () => {
    const script = `id -u; id -g; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; pwd; echo "$OF_IMAGE $HOME $PATH $A"
      ls /dev/kmsg /dev/mem /host 2>/dev/null; touch /x /data/y 2>&1; cat /proc/net/dev | grep -c :; hostname; tr '\\0' '\\n' </proc/1/environ | grep -c TOKEN`
    const { stdout, exitCode } = await sh(script, { env: { A: "it's\n$(id)" }, secretEnv: { TOKEN: 'correct-horse' } })
    expect(stdout.split('\n')).toEqual([
      ...['65534', '65534', 'CapBnd:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2', '/job'].flatMap((line) =>
        line.startsWith('CapBnd') ? ['CapEff:\t0000000000000000', line] : [line],
      ),
      "here /job /opt/bin:/bin it's",
      '$(id)',
      'touch: /x: Read-only file system',
      '1',
      'job',
      '0',
      '',
    ])
    expect(exitCode).toBe(1)
  })

  test('a secret is nowhere in what the engine knows, in no command line and in no file', async () => {
    const secret = `s3-${randomBytes(8).toString('hex')}`
    const { attempt } = await rig.start(['sh', '-c', 'echo "$#"; sleep 30'], { secretEnv: { TOKEN: secret } })
    await until(async () => (await textOf(attempt.log, 'stdout')) === '0\n')
    const [{ name }] = (await containersOf(engine, rig)) as unknown as [{ name: string }]
    expect(JSON.stringify(await engine.engine.docker.getContainer(name).inspect())).not.toContain(secret)
    const lines = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => readOr(`/proc/${pid}/cmdline`))
    expect(lines.some((line) => line.includes(secret))).toBe(false)
    const files = [rig.config.dir, join(placesOf(rig.config.tag), name)].flatMap((dir) =>
      readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readOr(join(entry.parentPath, entry.name))),
    )
    expect(files.some((text) => text.includes(secret))).toBe(false)
    await attempt.release()
  })

  test('both streams are what was written, byte for byte', async () => {
    const { attempt } = await rig.start(['sh', '-c', 'head -c 3000000 /dev/urandom | tee /proc/self/fd/2'])
    expect(await attempt.ended).toMatchObject({ exitCode: 0 })
    const [out, err] = await Promise.all([textOf(attempt.log, 'stdout'), textOf(attempt.log, 'stderr')])
    expect(out).toHaveLength(3_000_000)
    expect(out === err).toBe(true)
    await attempt.release()
  })

  test('limits: memory, processes, files, disk', async () => {
    const MiB = 1024 * 1024
    const limits = { memory_bytes: 32 * MiB, pids: 20, open_files: 100, disk_bytes: MiB }
    const full = await sh(
      'ulimit -n; for d in /job /tmp /var/tmp /data; do head -c 2m /dev/zero >$d/f || echo full; rm -f $d/f; done',
      { limits },
    )
    expect(full.stdout).toBe('100\nfull\nfull\nfull\nfull\n')
    const bomb = await sh('for i in $(seq 40); do sleep 1 & done; wait', { limits })
    expect(bomb.stderr).toMatch(/fork/)
    const eats = await sh('x=$(yes | head -c 60m | tr "\\n" y); echo ${#x}', { limits })
    expect(eats).toMatchObject({ oomKilled: true, signal: 'SIGKILL', remaining: 0 })
    expect(eats.usage.memory_peak_bytes).toBeGreaterThan(30 * MiB)
    expect(await refusal({ limits: { io_bytes_per_second: MiB }, named: ['io_bytes_per_second'] })).toMatch(
      /io_bytes_per_second cannot be enforced/,
    )
    const open = await sh('true', {
      spec: { container: { read_only_root: false } },
      limits: { io_bytes_per_second: MiB },
    })
    expect(open.unenforced.toSorted()).toEqual(['disk_bytes', 'io_bytes_per_second'])
  })

  test('what ignores SIGTERM, leaves its session or forks twice is gone, and signals are as everywhere', async () => {
    const script = `trap '' TERM; (setsid sleep 1000 &); (setsid sh -c 'trap "" TERM; sleep 1000' &) ; echo up; while :; do sleep 1; done`
    const { attempt, stdout } = await rig.start(['sh', '-c', script])
    await until(async () => (await stdout()) === 'up\n')
    await attempt.stop('cancelled', 300)
    expect(await attempt.ended).toMatchObject({ signal: 'SIGKILL', remaining: 0, reason: 'cancelled' })
    await attempt.release()
    expect(await sh('kill -INT $$; sleep 5')).toMatchObject({ signal: 'SIGINT' })
    const left = await sh('(setsid sleep 1000 &); kill -KILL -1; echo alive')
    expect(left).toMatchObject({ exitCode: 0, stdout: 'alive\n', remaining: 0 })
  })

  test('the administrator’s lists are asked here too', async () => {
    const allowed = join(work, 'allowed')
    const named = (container: object): Overrides => ({ spec: { container } as never })
    const inputs: [Overrides, RegExp][] = [
      [inImage('docker.io/library/other:1'), /not allowed on this runner.*RUNYARD_CONTAINER_IMAGES/],
      [inImage('localhost/runyard-test/nested/sh:1'), /not allowed on this runner/],
      [inImage('localhost/runyard-test/none:1', { pull: 'never' }), /is not here, and its pull policy is "never"/],
      [inImage(`${image.slice(0, -2)}@sha256:${'0'.repeat(64)}`, { pull: 'never' }), /is not here/],
      [{ place: { refused: 'its image was closed' } }, /its image was closed/],
      [{ place: {} }, /has not said which image/],
      [{ spec: { network: 'host' } }, /never given to a container/],
      [named({ network: 'host' }), /network host is not allowed/],
      [named({ network: 'bridge' }), /network bridge is not allowed.*RUNYARD_CONTAINER_NETWORKS/],
      [named({ volumes: [{ name: 'other', path: '/v', mode: 'ro' }] }), /volume other \(ro\) is not allowed/],
      [named({ volumes: [{ name: 'shelf', path: '/v', mode: 'rw' }] }), /volume shelf \(rw\) is not allowed/],
      [named({ volumes: [{ name: 'shelf', path: '/v', mode: 'ro' }] }), /volume shelf does not exist here/],
      [named({ volumes: [{ name: 'shelf', path: '/runyard/lib', mode: 'ro' }] }), /no volume can be mounted/],
      [{ spec: { binds: [{ path: '/', mode: 'ro' }] } }, /can never be bound/],
      [{ spec: { binds: [{ path: '/etc', mode: 'ro' }] } }, /outside what this runner allows/],
      [{ spec: { binds: [{ path: allowed, mode: 'rw' }] } }, /outside what this runner allows/],
      [{ spec: { binds: [{ path: engine.socket, mode: 'ro' }] } }, /holds the socket of the container engine/],
      [{ spec: { binds: [{ path: join(engine.socket, '..'), mode: 'ro' }] } }, /holds the socket|outside/],
      [{ spec: { working_dir: '/etc' } }, /outside what this runner allows/],
      [{ limits: { open_files: 5000 }, named: ['open_files'] }, /open_files cannot be enforced.*at most 1024/],
    ]
    for (const [overrides, why] of inputs) expect(await refusal(overrides)).toMatch(why)
    expect(await refusal({}, ['nosuch'])).toMatch(/command not found: nosuch is not in the PATH of its container/)
    expect(await refusal({}, ['/bin'])).toMatch(/not executable: \/bin/)
  })

  test('a working directory and binds of the host, volumes of the engine', async () => {
    const allowed = join(work, 'allowed')
    const own = join(allowed, 'own')
    await engine.engine.docker.createVolume({ Name: 'shelf' })
    const { stdout } = await sh(
      `id -u; pwd; echo made >file; cat ${allowed}/file; touch ${allowed}/new /shelf/x 2>&1; cat /inputs/lake/file`,
      {
        spec: {
          working_dir: own,
          binds: [{ path: allowed, mode: 'ro' }],
          inputs: [{ share: 'lake', path: 'file' }],
          container: { volumes: [{ name: 'shelf', path: '/shelf', mode: 'ro' }] },
        },
      },
    )
    expect(stdout).toBe(
      `${jobUid}\n${own}\nof the host\ntouch: ${allowed}/new: Read-only file system\ntouch: /shelf/x: Read-only file system\nof the host\n`,
    )
    expect(readFileSync(join(own, 'file'), 'utf8')).toBe('made\n')
  })

  test('helpers: its script, a socket that is made anew while it runs, and the library', async () => {
    const dir = join(work, 'helpers')
    const library = join(work, 'library')
    mkdirSync(join(dir, 'lib'), { recursive: true })
    mkdirSync(library)
    writeFileSync(join(library, 'hello'), 'from the library\n')
    writeFileSync(
      join(dir, 'script.sh'),
      'cat /runyard/lib/hello; while ! wget -q -O - http://localhost:1 2>/dev/null && ! [ -e /runyard/second ]; do sleep 0.05; done; ls -l /runyard/socket | cut -c1; touch /runyard/x 2>/dev/null || echo closed; echo $PATH\n',
    )
    const listen = () =>
      new Promise<Server>((resolve) => {
        const server = createServer()
        server.listen(join(dir, 'socket'), () => resolve(server))
      })
    const first = await listen()
    const { attempt, stdout } = await rig.start(['sh', '/runyard/script.sh'], {
      helpersDir: dir,
      helpersLibrary: library,
    })
    await until(async () => (await stdout()) !== '')
    await new Promise((resolve) => first.close(resolve))
    const second = await listen()
    writeFileSync(join(dir, 'second'), '')
    expect(await attempt.ended).toMatchObject({ exitCode: 0 })
    expect(await stdout()).toBe('from the library\ns\nclosed\n/opt/bin:/bin:/runyard/lib/bash:/runyard/bin\n')
    await new Promise((resolve) => second.close(resolve))
    await attempt.release()
  })

  test.each([image, dashImage])('outputs, reports and artefacts, in %s', async (reference) => {
    const script = `echo a=1 >"$RUNYARD_OUTPUT"; mkdir -p out/deep "out/we[i]rd"; echo one >out/a.xml; ln -s /etc/shadow out/b.xml; mkfifo out/c.xml
      echo deep >out/deep/d.xml; head -c 300000 /dev/zero >out/big.bin; echo w >"out/we[i]rd/x y"; ln -s a.xml out/link.bin; sleep 100 &
      echo done; exit 3`
    const { attempt, stdout } = await rig.start(['sh', '-c', script], {
      ...inImage(reference),
      spec: {
        outputs: true,
        junit: ['out/**/*.xml', 'none.xml'],
        artifacts: ['out/*.bin', 'out/we[[]*', 'out/we[i]rd'],
      },
      artifactCaps: { bytes: 1_000_000, files: 10 },
    })
    const ended = await attempt.ended
    expect(await stdout()).toBe('done\n')
    expect(ended).toMatchObject({ exitCode: 3, remaining: 0 })
    expect(ended.report?.trouble).toBeUndefined()
    const frames = createReportFrames()(readFileSync(ended.report!.path!))
    const files = filesIn(frames)
    expect(Object.keys(files).toSorted()).toEqual(
      [
        ...Object.keys(files).filter((name) => name.startsWith('/tmp')),
        'out/a.xml',
        'out/big.bin',
        'out/deep/d.xml',
        'out/we[i]rd/x y',
      ].toSorted(),
    )
    expect(Object.values(files)).toEqual(expect.arrayContaining(['a=1\n', 'one\n', 'deep\n', 'w\n']))
    expect(files['out/big.bin']).toHaveLength(300_000)
    expect(frames).toContainEqual({ kind: 'missing', text: 'none.xml' })
    expect(frames).toContainEqual({ kind: 'missing', text: 'out/we[[]*' })
    expect(frames.filter(({ kind }) => kind === 'broken')).toEqual([
      { kind: 'broken', text: expect.stringMatching(/not a file|cannot be read/) },
      { kind: 'broken', text: 'it is not a file' },
      { kind: 'broken', text: 'it is a link' },
    ])
    await attempt.release()
  })

  test('an image without a shell runs what it has, and gets no secret', async () => {
    const bare = inImage(bareImage)
    expect(await rig.run(['/bin/echo', 'a', 'b'], { ...bare, env: {} })).toMatchObject({ exitCode: 0, stdout: 'a b\n' })
    expect(await refusal(bare, ['/bin/nosuch'])).toMatch(
      /command not found: \/bin\/nosuch is not in image|No such file/,
    )
    expect(await refusal({ ...bare, secretEnv: { TOKEN: 'x-y-z' } })).toMatch(/no \/bin\/sh.*it has TOKEN/)
    const { attempt } = await rig.start(['/bin/sleep', '30'], bare)
    await attempt.stop('cancelled', 200)
    expect(await attempt.ended).toMatchObject({ reason: 'cancelled', remaining: 0 })
    await attempt.release()
  })

  test('network egress: what is listed, and nothing else', async () => {
    const [port, closed] = servers.map((one) => (one.address() as { port: number }).port)
    const script = `unset no_proxy NO_PROXY; wget -q -O - http://127.0.0.1:${port}/ || echo no; wget -q -O - http://127.0.0.1:${closed}/ 2>/dev/null || echo no; grep -c : /proc/net/dev`
    const ran = await rig.run(['sh', '-c', script], { spec: { network: 'egress', egress: [`127.0.0.1:${port}`] } })
    expect(ran).toMatchObject({ stdout: 'reachedno\n1\n', notReached: [`127.0.0.1:${closed}`] })
  })
})

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function filesIn(frames: ReportFrame[]): Record<string, string> {
  const files: Record<string, string> = {}
  let name: string | null = null
  let text = ''
  for (const frame of frames) {
    if (frame.kind === 'file') [name, text] = [frame.text, '']
    else if (frame.kind === 'data') text += frame.bytes.toString()
    else if (frame.kind === 'end' && name !== null) files[name] = text
  }
  return files
}

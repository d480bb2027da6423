/**
 * For tests: a podman service of its own, in directories of its own. It runs in a mount namespace of its own, so that
 * its overlay mounts go with it. On a host with hybrid cgroups crun starts nothing while a controller is in the unified
 * hierarchy: hugetlb is mounted as version 1 in that namespace.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupKind, cgroupMounts } from '../../cgroup/mounts.ts'
import { onPath } from '../../launcher/spawn-launcher.ts'
import { processesWith } from '../../testing/rig.ts'
import { until } from '../../testing/until.ts'
import { connectEngine, type Engine } from '../engine.ts'

export interface TestEngine {
  socket: string
  engine: Engine
  /** Given to every container: this host's engine can raise no limits. */
  ulimits: Record<string, number>
  /** A podman command on the same containers: words before its own. */
  podman: string[]
  /** Ends the service and leaves its containers running, as a restart of it does. */
  stopService(): Promise<void>
  startService(): Promise<void>
  close(): Promise<void>
}

export const noEngine: string | false =
  process.getuid?.() !== 0
    ? 'an engine of its own needs root'
    : (['podman', 'crun', 'conmon', 'unshare', 'busybox']
        .map((name) => onPath(name) === null && `${name} is not installed`)
        .find(Boolean) ?? false)

const script = `mount --make-rprivate /
if [ "$2" = hybrid ] && mkdir -p /sys/fs/cgroup/hugetlb && ! mountpoint -q /sys/fs/cgroup/hugetlb; then
  mount -t cgroup -o hugetlb none /sys/fs/cgroup/hugetlb
fi
exec podman --root "$1/root" --runroot "$1/run" --tmpdir "$1/tmp" --storage-driver overlay --cgroup-manager cgroupfs \\
  --events-backend none system service --time=0 "unix://$1/engine.sock"`

export async function startEngine(): Promise<TestEngine> {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-engine-'))
  const socket = join(dir, 'engine.sock')
  const engine = connectEngine(socket)
  // Containers outlive a service, and their mounts must outlive it too: one namespace for all services.
  const holder = spawn('unshare', ['-m', 'sh', '-c', 'mount --make-rprivate /; echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  mkdirSync(join(dir, 'tmp'))
  let words = ''
  const start = (): ReturnType<typeof spawn> => {
    const made = spawn(
      'nsenter',
      [`--mount=/proc/${holder.pid}/ns/mnt`, '--', 'sh', '-c', script, 'engine', dir, cgroupKind(cgroupMounts())],
      // What it is sent it puts into the temp directory first, and forgets there.
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: dir, env: { ...process.env, TMPDIR: join(dir, 'tmp') } },
    )
    made.stderr!.on('data', (bytes: Buffer) => (words = `${words}${bytes.toString()}`.slice(-2000)))
    return made
  }
  const ready = (): Promise<void> =>
    until(() =>
      engine.docker.ping().then(
        () => true,
        () => {
          if (service.exitCode !== null) throw new Error(`the engine ended: ${words}`)
          return false
        },
      ),
    )
  const stopService = async (): Promise<void> => {
    if (service.exitCode !== null || service.signalCode !== null) return
    const gone = once(service, 'exit')
    service.kill('SIGKILL')
    await gone
  }
  let service = start()
  await ready()
  return {
    socket,
    engine,
    podman: [
      ...['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--', 'podman', '--root', join(dir, 'root')],
      ...['--runroot', join(dir, 'run'), '--tmpdir', join(dir, 'tmp'), '--storage-driver', 'overlay'],
      ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
    ],
    ulimits: { nofile: 1024, nproc: 1024 },
    stopService,
    async startService() {
      service = start()
      await ready()
    },
    async close() {
      for (const { Id } of await engine.docker.listContainers({ all: true }).catch(() => [])) {
        await engine.docker
          .getContainer(Id)
          .remove({ force: true, v: true })
          .catch(() => {})
      }
      await stopService()
      const gone = once(holder, 'exit')
      holder.stdin.end()
      await gone
      // What conmon starts when a container has ended makes these directories anew if need be.
      await until(() => processesWith(dir).length === 0)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

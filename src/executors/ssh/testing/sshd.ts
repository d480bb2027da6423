/** OpenSSH's server on a loopback port, with keys of its own; whoever runs the tests is the user that logs in. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { SshTarget } from '../../../job/host.ts'
import { keyOf } from '../../../ssh/host-keys.ts'
import { childrenOf, commandLineOf } from '../../processes.ts'
import { until } from '../../testing/until.ts'

const program = '/usr/sbin/sshd'
export const noSshd: string | false = existsSync(program) ? false : 'OpenSSH’s server is not installed'
if (noSshd !== false) process.stderr.write(`skipped: ${noSshd}\n`)

export interface Sshd {
  target: SshTarget
  port: number
  /** File with the key that logs in. */
  userKey: string
  pid(): number
  /** Kills it; its sessions too when asked to. */
  stop(sessions?: boolean): Promise<void>
  start(): Promise<void>
  /** As after a new installation. */
  changeHostKey(): Promise<void>
  close(): Promise<void>
}

export interface SshdOptions {
  name?: string
  /** Lines of sshd_config, before ours. */
  config?: string[]
}

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

export async function createSshd({ name = 'web1', config = [] }: SshdOptions = {}): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-sshd-'))
  const keygen = (file: string): void => {
    rmSync(join(dir, file), { force: true })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, file)])
  }
  keygen('host')
  keygen('user')
  const port = await freePort()
  // As root it wants this directory, which a service's start would have made.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const lines = [
    ...config,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${dir}/host`,
    `AuthorizedKeysFile ${dir}/user.pub`,
    `PidFile ${dir}/pid`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100',
    // What somebody has in a .bashrc takes its time, and is none of ours: at this depth bash reads none.
    'SetEnv SHLVL=2',
  ]
  writeFileSync(join(dir, 'config'), lines.join('\n'))
  let child: ChildProcess | null = null
  const pinned = () => {
    const blob = Buffer.from(readFileSync(join(dir, 'host.pub'), 'utf8').split(' ')[1]!, 'base64')
    return [keyOf(blob)]
  }
  const sshd: Sshd = {
    port,
    userKey: join(dir, 'user'),
    target: {
      name,
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      keys: pinned(),
      auth: { method: 'key', private_key: readFileSync(join(dir, 'user'), 'utf8') },
      connections: 5,
      keep_alive_seconds: 15,
      connect_timeout_seconds: 10,
    },
    pid: () => child!.pid!,
    async start() {
      const started = spawn(program, ['-D', '-e', '-f', join(dir, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] })
      child = started
      let said = ''
      started.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-20_000)))
      await until(() => {
        if (started.exitCode !== null) throw new Error(`sshd ended: ${said}`)
        return said.includes('listening on')
      })
    },
    async stop(sessions = false) {
      if (child === null) return
      const sshdPids = sessions ? sessionsOf(child.pid!) : []
      const gone = new Promise((resolve) => child!.once('exit', resolve))
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await gone
      }
      for (const pid of sshdPids) kill(pid)
      child = null
    },
    async changeHostKey() {
      await sshd.stop()
      keygen('host')
      await sshd.start()
    },
    async close() {
      await sshd.stop(true)
      rmSync(dir, { recursive: true, force: true })
    },
  }
  await sshd.start()
  return sshd
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was first.
  }
}

/** Its sessions: one process a connection, and as another user one more below that. */
const sessionsOf = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [
    child,
    ...childrenOf(child).filter((below) => commandLineOf(below).startsWith('sshd')),
  ])

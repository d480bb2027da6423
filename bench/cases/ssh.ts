/** 500 jobs on one host over a pool of 5 connections; beside it the system's own ssh, with one shared connection. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createDriving } from '../../src/executors/ssh/testing/drive.ts'
import { createSshd } from '../../src/executors/ssh/testing/sshd.ts'
import type { Figure } from '../figures.ts'

const jobs = Number(process.env.JOBS ?? 500)
const atOnce = 20

/** Jobs a second. */
async function rate(count: number, one: () => Promise<void>): Promise<number> {
  let left = count
  const begun = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return count / ((performance.now() - begun) / 1000)
}

export async function ssh(): Promise<Figure[]> {
  const sshd = await createSshd()
  const driving = createDriving(() => sshd.target)
  const dir = mkdtempSync(join(tmpdir(), 'runyard-bench-'))
  try {
    let most = 0
    const ours = await rate(jobs, async () => {
      const one = await driving.start(['true'])
      const { hosts } = driving.driver.state() as { hosts: { connections: number }[] }
      most = Math.max(most, hosts[0]!.connections)
      const { exitCode, remaining } = await one.end()
      if (exitCode !== 0 || remaining !== 0) throw new Error(`true ended with ${exitCode}, ${remaining} left`)
      await one.driven.clear()
    })
    const { address, port, user } = sshd.target
    const argv = [
      ...['-F', 'none', '-i', sshd.userKey, '-p', String(port), '-l', user, '-o', 'StrictHostKeyChecking=no'],
      ...['-o', `UserKnownHostsFile=${dir}/known`, '-o', 'LogLevel=ERROR', address, 'true'],
    ]
    const theirs = await rate(jobs / 5, () => ended('ssh', argv))
    return [
      {
        name: `jobs/s on a host, ${jobs} over ${most} connections`,
        value: ours,
        unit: '/s',
        control: { name: 'ssh HOST true, a connection each', value: theirs },
      },
    ]
  } finally {
    await driving.close()
    await sshd.close()
    rmSync(dir, { recursive: true })
  }
}

const ended = (program: string, argv: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    spawn(program, argv, { stdio: 'ignore' }).on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program}: ${code}`)),
    )
  })

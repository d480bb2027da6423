/**
 * Machines of our own on this one: each is a network namespace with one cable (veth) to the rig. Nothing is routed: a
 * machine reaches the rig's ends of the cables, where the rig's proxies listen, and nothing else. Root only.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { onPath } from '../../src/executors/launcher/spawn-launcher.ts'

const run = promisify(execFile)

/** How a link is cut, as iptables knows it. */
export type Cut = 'drop' | 'reject' | 'reset' | 'inbound' | 'outbound' | 'loss'

export interface Machine {
  name: string
  /** Its own address. */
  address: string
  /** The rig's end of its cable. */
  gate: string
  /** Words before a command that is to run there. */
  enter: string[]
  /** Cuts its link to these ports of the rig, or to all of them; resolves with what heals it. */
  cut(how: Cut, ports?: number[]): Promise<() => Promise<void>>
}

export interface Network {
  machines: Machine[]
  /** What is still there of it. */
  leftovers(): string[]
  remove(): Promise<void>
}

/** Why there can be none here; undefined when there can. */
export function networkMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  for (const program of ['ip', 'iptables', 'nsenter']) {
    if (onPath(program) === null) return `${program} is not installed`
  }
  const name = `ryc-probe-${process.pid}`
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    execFileSync('nsenter', [`--net=/run/netns/${name}`, 'iptables', '-w', '-A', 'OUTPUT', '-j', 'DROP'], {
      stdio: 'pipe',
    })
    return undefined
  } catch (error) {
    return `no network namespace with iptables can be made: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`
  } finally {
    if (existsSync(`/run/netns/${name}`)) execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
  }
}

/** 198.18.0.0/15 is reserved for tests of networks; a third octet that nobody on this host has. */
function freeSubnet(): number {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address.split('.')[2])),
  )
  for (let tries = 0; tries < 1000; tries++) {
    const octet = 1 + Math.floor(Math.random() * 254)
    if (!taken.has(String(octet))) return octet
  }
  throw new Error('no free network in 198.18.0.0/16')
}

const ip = (...words: string[]): Promise<unknown> => run('ip', words)

export async function makeNetwork(names: readonly string[]): Promise<Network> {
  removeOrphans()
  const octet = freeSubnet()
  const made: { namespace: string; cable: string }[] = []
  const remove = async (): Promise<void> => {
    for (const { namespace, cable } of made) {
      await ip('link', 'del', cable).catch(() => {})
      await ip('netns', 'del', namespace).catch(() => {})
    }
  }
  try {
    const machines: Machine[] = []
    for (const [nr, name] of names.entries()) {
      const namespace = `ryc${process.pid}-${octet}-${name}`
      const cable = `ryc${octet}-${nr}a`
      const [gate, address] = [`198.18.${octet}.${4 * nr + 1}`, `198.18.${octet}.${4 * nr + 2}`]
      made.push({ namespace, cable })
      await ip('netns', 'add', namespace)
      await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', `${cable}x`)
      await ip('link', 'set', `${cable}x`, 'netns', namespace)
      await ip('addr', 'add', `${gate}/30`, 'dev', cable)
      await ip('link', 'set', cable, 'up')
      await ip('-n', namespace, 'link', 'set', 'lo', 'up')
      await ip('-n', namespace, 'addr', 'add', `${address}/30`, 'dev', `${cable}x`)
      await ip('-n', namespace, 'link', 'set', `${cable}x`, 'up')
      // The other cables' ends are the rig's as well; beyond them nothing forwards.
      await ip('-n', namespace, 'route', 'add', '198.18.0.0/16', 'via', gate)
      // Not `ip netns exec`: that mounts another /sys, and with it the cgroups are gone.
      const enter = ['nsenter', `--net=/run/netns/${namespace}`]
      machines.push({ name, address, gate, enter, cut: (how, ports) => cutLink(enter, how, ports) })
    }
    return { machines, leftovers: () => leftoversOf(made.map(({ namespace }) => namespace)), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

const rules: Record<Cut, { chains: ('INPUT' | 'OUTPUT')[]; target: string[] }> = {
  drop: { chains: ['INPUT', 'OUTPUT'], target: ['-j', 'DROP'] },
  reject: { chains: ['OUTPUT'], target: ['-j', 'REJECT'] },
  reset: { chains: ['OUTPUT'], target: ['-j', 'REJECT', '--reject-with', 'tcp-reset'] },
  inbound: { chains: ['INPUT'], target: ['-j', 'DROP'] },
  outbound: { chains: ['OUTPUT'], target: ['-j', 'DROP'] },
  loss: {
    chains: ['INPUT', 'OUTPUT'],
    target: ['-m', 'statistic', '--mode', 'random', '--probability', '0.2', '-j', 'DROP'],
  },
}

async function cutLink(enter: string[], how: Cut, ports?: number[]): Promise<() => Promise<void>> {
  const { chains, target } = rules[how]
  const made: string[][] = []
  const iptables = (...words: string[]): Promise<unknown> => {
    const [file = '', ...args] = [...enter, 'iptables', '-w', ...words]
    return run(file, args)
  }
  const heal = async (): Promise<void> => {
    for (const rule of made.splice(0)) await iptables('-D', ...rule).catch(() => {})
  }
  try {
    for (const chain of chains) {
      const side = chain === 'INPUT' ? '--sport' : '--dport'
      for (const port of ports ?? [undefined]) {
        const rule = [chain, '-p', 'tcp', ...(port === undefined ? [] : [side, String(port)]), ...target]
        await iptables('-A', ...rule)
        made.push(rule)
      }
    }
    return heal
  } catch (error) {
    await heal()
    throw error
  }
}

/** What a rig left that was killed -9: the namespaces carry its pid. */
function removeOrphans(): void {
  if (!existsSync('/run/netns')) return
  for (const name of readdirSync('/run/netns')) {
    const pid = /^ryc(\d+)-\d+-/.exec(name)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    // The cable goes with the namespace.
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
  }
}

/** Namespaces and their mounts that are still there. */
function leftoversOf(namespaces: readonly string[]): string[] {
  const there = existsSync('/run/netns') ? readdirSync('/run/netns') : []
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  return namespaces.flatMap((name) => [
    ...there.filter((each) => each === name).map(() => `network namespace ${name}`),
    ...mounts.filter((line) => line.includes(`/netns/${name} `)).map((line) => `mount ${line}`),
  ])
}

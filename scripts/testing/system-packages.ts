/**
 * Programs of the host that some tests need. As root on a Debian-like host they are installed; nobody else's host is
 * changed, and what is missing is said.
 */
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { externalMissing } from '../../test/servers.ts'
import { run } from './command.ts'

interface Need {
  what: string
  isThere(): boolean
  /** Tried in order: newer systems carry newer versions only. */
  packages: string[]
}

const onPath = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const needs: Need[] = [
  { what: 'bubblewrap', isThere: () => onPath('bwrap'), packages: ['bubblewrap'] },
  // Runners on other machines: network namespaces, and links that are cut.
  { what: 'ip', isThere: () => onPath('ip'), packages: ['iproute2'] },
  { what: 'iptables', isThere: () => onPath('iptables'), packages: ['iptables'] },
  { what: 'openssl', isThere: () => onPath('openssl'), packages: ['openssl'] },
  {
    what: 'a foreign gRPC client',
    isThere: () => existsSync('/usr/lib/python3/dist-packages/grpc'),
    packages: ['python3-grpcio'],
  },
  // Its text/template is the measure of ours.
  { what: 'Go', isThere: () => onPath('go'), packages: ['golang-go'] },
  // Examples for applications in other languages.
  { what: 'PHP', isThere: () => onPath('php'), packages: ['php-cli'] },
  // One of the languages of the runtime helpers.
  { what: 'Ruby', isThere: () => onPath('ruby'), packages: ['ruby'] },
  // Jobs in containers and on hosts: an engine, and a host of our own on loopback.
  { what: 'a container engine', isThere: () => onPath('podman'), packages: ['podman'] },
  { what: 'what images of the tests are made of', isThere: () => onPath('busybox'), packages: ['busybox-static'] },
  { what: 'an init for containers', isThere: () => onPath('catatonit'), packages: ['catatonit'] },
  { what: 'an SSH server', isThere: () => onPath('sshd'), packages: ['openssh-server'] },
  // And in a cluster of one node: controller, node daemon, client programs, munge.
  {
    what: 'Slurm',
    isThere: () => onPath('slurmctld') && onPath('slurmd') && onPath('sbatch'),
    packages: ['slurm-wlm'],
  },
  { what: 'curl', isThere: () => onPath('curl'), packages: ['curl'] },
  { what: 'an external PostgreSQL', isThere: () => !externalMissing(), packages: ['postgresql-15', 'postgresql'] },
]

/** Only the programs are wanted: Debian would start a server of its own at once. */
function keepServerDown(): void {
  const file = '/etc/postgresql-common/createcluster.conf'
  if (existsSync(file)) return
  mkdirSync('/etc/postgresql-common', { recursive: true })
  writeFileSync(file, 'create_main_cluster = false\n')
}

const apt = (...args: string[]) =>
  run('apt-get', args, { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' }, limitMs: 300_000 })
const installed = async (packages: string[]): Promise<boolean> =>
  (await apt('install', '-y', '--no-install-recommends', ...packages)).code === 0

/** Debian starts the services of what it installs; this file of its own says no. */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return await work()
  } finally {
    rmSync(policy, { force: true })
  }
}

/** All in one call, which takes a quarter of the time; one by one when that fails. */
async function install(missing: readonly Need[]): Promise<void> {
  if (missing.some(({ packages }) => packages.some((name) => name.startsWith('postgresql')))) keepServerDown()
  console.log(`installing ${missing.map(({ what }) => what).join(', ')} …`)
  for (const refreshed of [false, true]) {
    if (refreshed) await apt('update')
    if (await installed(missing.map(({ packages }) => packages[0]!))) return
  }
  for (const need of missing) {
    for (const name of need.packages) if (!need.isThere() && (await installed([name]))) break
  }
}

export async function installMissing(): Promise<void> {
  const missing = needs.filter((need) => !need.isThere())
  if (missing.length === 0) return
  const may = process.getuid?.() === 0 && onPath('apt-get') && !process.env.RUNYARD_TEST_NO_INSTALL
  if (may) await withoutServices(() => install(missing))
  for (const need of missing.filter(({ isThere }) => !isThere())) {
    console.log(`missing: ${need.what} (apt-get install ${need.packages[0]}); tests that need it are skipped`)
  }
}

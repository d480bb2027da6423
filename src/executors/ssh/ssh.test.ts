import { existsSync, readdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { beforeAll } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig } from '../driver/testing/rig.ts'
import { createSshd, noSshd, type Sshd } from './testing/sshd.ts'

const base = `/tmp/.runyard-${userInfo().uid}`

executorConformance(
  'ssh',
  async () => {
    const sshd = await createSshd()
    return createDrivenRig({
      kind: 'ssh',
      overrides: { place: { ssh: { hosts: [sshd.target], success: 'all', at_once: 1 } } },
      leftovers: ({ tag }) => (existsSync(`${base}/${tag}`) ? readdirSync(`${base}/${tag}`) : []),
      close: () => sshd.close(),
    })
  },
  noSshd,
)

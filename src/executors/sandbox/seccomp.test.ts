import { expect, test } from 'vitest'
import { archTables } from './seccomp-tables.ts'
import { seccompFilter } from './seccomp.ts'

const allow = 0x7fff0000
const errno = (n: number): number => 0x00050000 | n

/** Classic BPF, as far as the filter uses it. */
function decide(filter: Buffer, call: { nr: number; arch: number; args?: number[] }): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.nr, 0)
  data.writeUInt32LE(call.arch, 4)
  call.args?.forEach((arg, i) => data.writeBigUInt64LE(BigInt(arg), 16 + i * 8))
  let loaded = 0
  for (let pc = 0; pc * 8 < filter.length; pc++) {
    const code = filter.readUInt16LE(pc * 8)
    const [jt, jf, k] = [filter.readUInt8(pc * 8 + 2), filter.readUInt8(pc * 8 + 3), filter.readUInt32LE(pc * 8 + 4)]
    if (code === 0x06) return k
    if (code === 0x20) loaded = data.readUInt32LE(k)
    else {
      const holds =
        code === 0x15 ? loaded === k : code === 0x35 ? loaded >= k : code === 0x45 ? (loaded & k) !== 0 : null
      if (holds === null) throw new Error(`unknown instruction ${code.toString(16)}`)
      pc += holds ? jt : jf
    }
  }
  throw new Error('ran off the end')
}

test.each(['x64', 'arm64'] as const)('%s: every row of the table and the special calls', (name) => {
  const table = archTables[name]
  const filter = seccompFilter(name)
  if (!table || !filter) throw new Error('no table')
  const on = (nr: number, ...args: number[]): number => decide(filter, { nr, arch: table.auditArch, args })

  for (const nr of Object.values(table.denied)) expect(on(nr)).toBe(errno(1))
  const denied = new Set([...Object.values(table.denied), table.clone3])
  for (let nr = 0; nr < 470; nr++) {
    if (!denied.has(nr) && nr !== table.socket) expect([nr, on(nr)]).toEqual([nr, allow])
  }
  expect(on(table.clone3)).toBe(errno(38))
  expect(on(table.clone, 0x11)).toBe(allow) // fork
  expect(on(table.clone, 0x003d0f00)).toBe(allow) // pthread_create
  for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
    expect(on(table.clone, flag | 0x11)).toBe(errno(1))
  }
  for (const family of [1, 2, 10, 16]) expect(on(table.socket, family, 1, 0)).toBe(allow)
  for (const family of [0, 17, 38, 40, 44]) expect(on(table.socket, family, 1, 0)).toBe(errno(97))
  expect(on(table.ioctl, 0, 0x5412)).toBe(errno(1))
  // Only the low 32 bits count for the kernel.
  expect(on(table.ioctl, 0, 0x100005412)).toBe(errno(1))
  expect(on(table.ioctl, 0, 0x5401)).toBe(allow)
  expect(decide(filter, { nr: 0, arch: 0x40000003 })).toBe(errno(38)) // i386
  if (table.foreignFrom !== null) expect(on(table.foreignFrom + 1)).toBe(errno(38))
})

test('an architecture without a table has no filter', () => {
  expect(seccompFilter('riscv64')).toBeNull()
})

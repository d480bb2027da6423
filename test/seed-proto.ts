/** The interface of seed 002 as its text gives it, and as nobody here has touched it: descriptors for foreign clients. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const text = new URL('./fixtures/seed-002.proto.txt', import.meta.url)
const buf = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url))

/** Writes `seed.proto` and `seed.binpb` (a FileDescriptorSet) below `dir`; the seed leaves out which syntax it is in. */
export function buildSeedProto(dir: string): { proto: string; descriptors: string } {
  const source = join(dir, 'proto')
  mkdirSync(source)
  const proto = join(source, 'seed.proto')
  writeFileSync(proto, `syntax = "proto3";\n${readFileSync(text, 'utf8')}`)
  const descriptors = join(dir, 'seed.binpb')
  execFileSync(buf, ['build', source, '--as-file-descriptor-set', '--exclude-source-info', '-o', descriptors])
  return { proto, descriptors }
}

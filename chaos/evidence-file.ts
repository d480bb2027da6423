/** All facts of a run, for whoever wants to look at them afterwards. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Evidence } from './evidence.ts'

export function writeEvidence(dir: string, name: string, evidence: Evidence): void {
  mkdirSync(dir, { recursive: true })
  const text = JSON.stringify({ ...evidence, witnesses: [...evidence.witnesses] }, null, 1)
  writeFileSync(join(dir, `${name}.json`), text)
}

/**
 * `npm run bench [-- CASE…] [-- --write]`: every figure over a real system, with every limit held (run it as root), each
 * beside a control in the same run, because machines are noisy: read the ratios. `--write` puts the tables into
 * RESULTS.md, one block a case.
 */
import { cpus } from 'node:os'
import { analytics } from './cases/analytics.ts'
import { batchPage } from './cases/batch-page.ts'
import { claimCost } from './cases/claim.ts'
import { containers } from './cases/containers.ts'
import { followers } from './cases/followers.ts'
import { footprint } from './cases/footprint.ts'
import { history } from './cases/history.ts'
import { latency } from './cases/latency.ts'
import { lists } from './cases/lists.ts'
import { output } from './cases/output.ts'
import { pipelines } from './cases/pipelines.ts'
import { ssh } from './cases/ssh.ts'
import { submits } from './cases/submits.ts'
import { throughput } from './cases/throughput.ts'
import { table, writeBlock, type Figure } from './figures.ts'

const cases: Record<string, () => Promise<Figure[]>> = {
  footprint,
  throughput,
  latency,
  submits,
  output,
  followers,
  claim: claimCost,
  history,
  lists,
  analytics,
  'batch-page': batchPage,
  pipelines,
  ssh,
  containers,
}

const args = process.argv.slice(2)
const write = args.includes('--write')
const names = args.filter((arg) => !arg.startsWith('--'))
const unknown = [
  ...names.filter((name) => !(name in cases)),
  ...args.filter((a) => a.startsWith('--') && a !== '--write'),
]
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(', ')}; there are ${Object.keys(cases).join(', ')}, and --write`)
  process.exit(2)
}

for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const figures = await cases[name]!()
  const when = `${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}`
  console.log(`\n## ${name}\n\n${table(figures)}`)
  if (write) await writeBlock(name, `${when}\n\n${table(figures)}\n`)
}

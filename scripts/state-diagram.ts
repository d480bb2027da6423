/**
 * Draws the state diagram of ARCHITECTURE.md from `job/state.ts`. `--check` compares instead of writing, and fails when
 * the drawing is old.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { heldStates, isTerminal, terminalStates, transitions, waitingStates, type JobState } from '../src/job/state.ts'

const file = new URL('../ARCHITECTURE.md', import.meta.url)
const begin = '<!-- states: drawn by scripts/state-diagram.ts -->'
const end = '<!-- /states -->'

const groups: Record<string, readonly JobState[]> = { waiting: waitingStates, held: heldStates, ended: terminalStates }

/** The group's name when the states are a whole group (or several ended states), else the states themselves. */
function boxes(states: Set<JobState>): string[] {
  for (const [name, members] of Object.entries(groups)) {
    if (members.length === states.size && members.every((state) => states.has(state))) return [name]
  }
  const ended = [...states].filter(isTerminal)
  return ended.length > 1 ? ['ended', ...[...states].filter((state) => !isTerminal(state))] : [...states]
}

export function drawStates(): string {
  const rows = new Map<string, { from: Set<JobState>; to: Set<JobState> }>()
  for (const move of transitions) {
    const key = `${move.on}|${move.by}`
    const row = rows.get(key) ?? { from: new Set(), to: new Set() }
    row.from.add(move.from)
    row.to.add(move.to)
    rows.set(key, row)
  }
  const lines = ['```mermaid', 'stateDiagram-v2', '  [*] --> waiting: submitted']
  for (const [name, members] of Object.entries(groups))
    lines.push(`  state ${name} {`, ...members.map((m) => `    ${m}`), '  }')
  for (const [key, row] of rows) {
    for (const from of boxes(row.from))
      for (const to of boxes(row.to)) lines.push(`  ${from} --> ${to}: ${key.split('|')[0]}`)
  }
  lines.push('  ended --> [*]')
  lines.push('```', '', '| from | to | on | made by |', '|---|---|---|---|')
  for (const [key, row] of rows) {
    const [on, by] = key.split('|')
    lines.push(`| ${[...row.from].join(', ')} | ${[...row.to].join(', ')} | ${on} | \`src/${by}\` |`)
  }
  return lines.join('\n')
}

const text = await readFile(file, 'utf8')
const from = text.indexOf(begin)
const to = text.indexOf(end)
if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md has lost its marks ${begin} … ${end}`)
const drawn = `${text.slice(0, from + begin.length)}\n${drawStates()}\n${text.slice(to)}`
if (drawn !== text && process.argv.includes('--check')) {
  console.error('ARCHITECTURE.md: the state diagram is old; run: node scripts/state-diagram.ts')
  process.exitCode = 1
} else if (drawn !== text) {
  await writeFile(file, drawn)
}

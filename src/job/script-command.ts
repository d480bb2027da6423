/** What runs the script of an event: a file in the directory that the sandbox shows at `/runyard`. */
import type { ScriptKind } from './event.ts'

export const scriptCommand: Record<ScriptKind, readonly string[]> = {
  bash: ['bash', '/runyard/script.sh'],
  python: ['python3', '-u', '/runyard/script.py'],
  // It runs CommonJS with top-level await, and hands modules over to `script.mjs`.
  node: ['node', '/runyard/lib/js/run.cjs', '/runyard/script.cjs'],
}

import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { callName, helpers, snakeName } from './helper-table.ts'

export type EditedScript = 'bash' | 'python' | 'node'

/** What begins a word that may become a helper, and whether the dot belongs to it. */
const starts: Record<EditedScript, RegExp> = {
  bash: /\b(?:runyard|cronium)_\w*$/,
  python: /\b(?:runyard|cronium)\.\w*$/,
  node: /\b(?:runyard|cronium)\.\w*$/,
}

const environment: Record<EditedScript, RegExp> = {
  bash: /\$\{?\w*$/,
  python: /\bos\.environ\[["']\w*$/,
  node: /\bprocess\.env\.\w*$/,
}

interface Known {
  language: EditedScript
  /** Environment names that the event gives, and what each is: a secret, a value. */
  env: () => readonly { name: string; detail: string }[]
}

/** Offers the helpers behind `runyard.` (Bash: `runyard_`), and the event's environment where one is read. */
export function completeHelpers({ language, env }: Known) {
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(starts[language])
    if (word) return helperResult(word, language)
    const variable = context.matchBefore(environment[language])
    if (!variable) return null
    const typed = /\w*$/.exec(variable.text)![0]
    const options = env().map(({ name, detail }) => ({ label: name, detail, type: 'variable' }))
    return options.length === 0 ? null : { from: variable.to - typed.length, options, validFor: /^\w*$/ }
  }
}

function helperResult({ from, text }: { from: number; text: string }, language: EditedScript): CompletionResult {
  const bash = language === 'bash'
  const prefix = bash ? text.slice(0, text.indexOf('_') + 1) : text.slice(0, text.indexOf('.') + 1)
  const own = (name: string) => (language === 'node' ? name : snakeName(name))
  const options: Completion[] = helpers.map(({ name, args, text: says }) => ({
    label: bash ? prefix + snakeName(name) : own(name),
    detail: bash ? args.replaceAll(',', '') : `(${args})`,
    info: says,
    type: 'function',
    apply: bash ? prefix + snakeName(name) : `${own(name)}(`,
  }))
  return { from: bash ? from : from + prefix.length, options, validFor: /^\w*$/ }
}

/** `runyard.get_variable(name)`, as it is shown above its words. */
export function signature(name: string, language: EditedScript): string {
  const { args } = helpers.find((one) => one.name === name)!
  const call = callName(name, language)
  return language === 'bash' ? `${call} ${args.replaceAll(',', '')}`.trim() : `${call}(${args})`
}

import { beforeAll, expect, test } from 'vitest'
import { generated } from './testing/generate.ts'
import { askGo, goMissing, type Answer, type Case } from './testing/go.ts'
import { tricky, variables } from './testing/cases.ts'
import { render, TemplateError } from './template.ts'

const missing = goMissing()
if (missing) process.stderr.write(`skipped: ${missing}\n`)
const cases: Case[] = [...tricky, ...generated(1500, 6)].map((text) => ({ text, data: variables }))
let answers: Answer[] = []
beforeAll(() => {
  if (missing === undefined) answers = askGo(cases)
})

const ours = ({ text, data }: Case): { output?: string; error?: string } => {
  try {
    return { output: render('t', text, data) }
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message }
    throw error
  }
}

/** The words that Go has kept since 1.19 and that an author goes by; a type is told more exactly by us. */
const kept =
  /(?:map has no entry for key|nil data|nil pointer evaluating|incompatible types|invalid type for|wrong number of args|len of|can't (?:index|slice) item|nil is not a command).*$/
const wordsOf = (error: string): string | undefined => kept.exec(error)?.[0]

test.skipIf(missing)(`as Go's own text/template has it (${missing ?? `${cases.length} templates`})`, () => {
  const differing = cases.flatMap((each, i) => {
    const go = answers[i]!
    const mine = ours(each)
    const isSame = go.error === undefined ? mine.output === go.output : mine.error !== undefined
    return isSame ? [] : [{ text: each.text, go, mine }]
  })
  expect(differing).toEqual([])
})

test.skipIf(missing)('errors say what Go says', () => {
  const differing = cases.flatMap((each, i) => {
    const go = answers[i]!
    if (go.error === undefined || go.parsing) return []
    const words = wordsOf(go.error.split('\n')[0]!)
    const { error = '' } = ours(each)
    return words === undefined || error.includes(words) ? [] : [{ text: each.text, go: go.error, error }]
  })
  expect(differing).toEqual([])
})

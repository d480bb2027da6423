import { Command } from 'commander'
import { expect, test } from 'vitest'
import type { Image } from '../../api/contract/images.ts'
import { define, imageTable, wanted } from './image.ts'

function parsed(...words: string[]): Parameters<typeof wanted>[3] {
  const root = new Command()
  define(root)
  const set = root.commands.find((one) => one.name() === 'set')!
  set.exitOverride().configureOutput({ outputError: () => {} })
  set.parseOptions(words)
  return set.opts()
}

const image: Image = {
  ...{ name: 'py', reference: `docker.io/library/python:3.12@sha256:${'ab'.repeat(32)}`, description: 'ours' },
  ...{ digest: `sha256:${'ab'.repeat(32)}`, languages: ['python'], pull: 'never', registry: null, problem: null },
  ...{ warm: { least: 1, most: 4 }, enabled: true, open_to: 'operators' },
  runners: [
    { runner: 'a', present: true, warm: { waiting: 2, used: 3, hits: 3, misses: 1 } },
    { runner: 'b', present: false, warm: null },
  ],
  ...{ created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
}

test('what is not named stays as it is', () => {
  const { name, reference, description, languages, pull, warm, open_to } = image
  const same = { name, reference, description, languages, pull, warm, enabled: true, open_to }
  expect(wanted('py', reference, image, parsed(), undefined)).toEqual(same)
  expect(wanted('py', 'r.example/py', image, parsed('--no-language', '--disable'), null)).toEqual({
    ...{ ...same, reference: 'r.example/py', languages: [], enabled: false, registry: null },
  })
  expect(wanted('py', reference, image, parsed('--language', 'bash', '--language', 'node'), undefined)).toMatchObject({
    languages: ['bash', 'node'],
  })
  expect(wanted('py', reference, image, parsed('--warm-least', '6'), undefined).warm).toEqual({ least: 6, most: 6 })
  expect(() => wanted('new', undefined, undefined, parsed(), undefined)).toThrow('runyard image set new REFERENCE')
})

test('where it is, and what waits warm', () => {
  const text = imageTable([image, { ...image, name: 'off', enabled: false, runners: [], warm: { least: 0, most: 0 } }])
  const [head, first, second] = text.split('\n')
  expect(head).toMatch(/^NAME +LANGUAGES +PULL +PRESENT +WARM +STATE +REFERENCE/)
  expect(first).toMatch(
    /^py +python +never +1 of 2 +2 \(1-4\), 3 of 4 +docker\.io\/library\/python:3\.12@sha256:abababababab…/,
  )
  expect(second).toMatch(/^off +python +never +disabled/)
})

import { expect, test } from 'vitest'
import { visibleText } from './visible-text.ts'

test('what reorders or hides its neighbours is shown by its number', () => {
  expect(visibleText('pay\u202egnp.exe')).toBe('pay⟨U+202E⟩gnp.exe')
  expect(visibleText('ad\u200bmin\u0000')).toBe('ad⟨U+200B⟩min⟨U+0000⟩')
  expect(visibleText('two\nlines')).toBe('two⟨U+000A⟩lines')
})

test('ordinary names of any script stay as they are', () => {
  for (const name of ['nightly build', 'Größe', '夜間', 'שלום', 'مرحبا', '👩\u200d💻'])
    expect(visibleText(name)).toBe(name)
})

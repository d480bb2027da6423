import fc from 'fast-check'
import { expect, test } from 'vitest'
import { carriedColours, harmless, plainText, segments } from './ansi.ts'

test.each([
  ['window title', '\x1b]0;owned\x07text', 'text'],
  ['clipboard (OSC 52)', 'a\x1b]52;c;cm0gLXJm\x1b\\b', 'ab'],
  ['link (OSC 8) keeps its words', '\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\', 'click'],
  ['cursor moves and clears', '\x1b[2J\x1b[10;4Hhere\x1b[?25l\x1b[K', 'here'],
  ['device control string', '\x1bP1$r0m\x1b\\x', 'x'],
  ['an OSC without end is shown, not swallowed', '\x1b]0;rest of the line', ']0;rest of the line'],
  ['colours with colons', '\x1b[38:2::255:0:0mred', 'red'],
  ['HTML stays text', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ['NUL and BEL', 'a\0b\x07', 'a␀b␇'],
  ['right-to-left override', 'safe\u202etxt.exe', 'safe⟨U+202E⟩txt.exe'],
  ['C1 controls', 'a\x9b31mb', 'a\ufffd31mb'],
  ['tabs stay', 'a\tb', 'a\tb'],
])('%s', (_, line, text) => {
  expect(plainText(line)).toBe(text)
})

test('nothing but colours survives, whatever the bytes', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('\x1b', '[', ']', 'm', '3', ';', 'P', '\\', '\x07', 'x', '\u202e') }),
      (line) => {
        const rest = harmless(line).replaceAll(/\x1b\[[0-9;]*m/g, '')
        expect(rest).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e]/)
        expect(
          segments(line)
            .map((s) => s.text)
            .join(''),
        ).toBe(plainText(line))
      },
    ),
  )
})

test('colours become class names, exact ones become rgb', () => {
  expect(segments('\x1b[1;31mred\x1b[0m plain')).toEqual([
    { text: 'red', className: 'ansi-bold ansi-red-fg' },
    { text: ' plain', className: '' },
  ])
  expect(segments('\x1b[38;5;196mx')).toEqual([{ text: 'x', className: '', colour: 'rgb(255, 0, 0)' }])
  expect(segments('\x1b[48;2;1;2;3mx\x1b[0my').map((s) => s.background)).toEqual(['rgb(1, 2, 3)', undefined])
})

test('a colour goes on over the end of its line until it is reset', () => {
  const carried = carriedColours('', '\x1b[31mfirst')
  expect(segments('second', carried)).toEqual([{ text: 'second', className: 'ansi-red-fg' }])
  expect(carriedColours(carried, 'third\x1b[0m')).toBe('')
  expect(carriedColours(carried, '\x1b[m')).toBe('')
  expect(carriedColours('', '\x1b[1m'.repeat(500)).length).toBeLessThanOrEqual(96)
})

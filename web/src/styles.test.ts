import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css =
  readFileSync(new URL('./styles.css', import.meta.url), 'utf8') +
  readFileSync(new URL('./features/logs/log-colours.css', import.meta.url), 'utf8')

function palette(selector: string): Record<string, string> {
  const blocks = [...css.matchAll(new RegExp(`^\\${selector} \\{([^}]*)\\}`, 'gm'))].map((match) => match[1] ?? '')
  return Object.fromEntries(
    [...blocks.join('\n').matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]),
  )
}

/** Contrast by WCAG 2.2, 1 to 21. */
function contrast(a: string, b: string): number {
  const light = (hex: string) => {
    const [r = 0, g = 0, bl = 0] = [1, 3, 5].map((i) => {
      const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl
  }
  const [high = 0, low = 0] = [light(a), light(b)].toSorted((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}

const textOn: [string, string[]][] = [
  ['text', ['page', 'surface', 'sunken', 'log', 'mark', 'accent-soft', 'waiting-soft']],
  ['muted', ['page', 'surface', 'sunken', 'log', 'accent-soft']],
  ['accent', ['page', 'surface', 'accent-soft']],
  ['on-accent', ['accent', 'accent-hover']],
  ...['waiting', 'running', 'passed', 'failed'].map((s): [string, string[]] => [
    s,
    [`${s}-soft`, 'surface', 'sunken', 'log'],
  ]),
  ...['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'].map((c): [string, string[]] => [
    `ansi-${c}`,
    ['log', 'sunken'],
  ]),
]

test.each([':root', '.dark'])('%s: every text colour has 4.5:1 on what it stands on', (selector) => {
  const colours = palette(selector)
  const weak = textOn.flatMap(([text, grounds]) =>
    grounds
      .map((ground) => ({ pair: `${text} on ${ground}`, ratio: contrast(colours[text]!, colours[ground]!) }))
      .filter(({ ratio }) => !(ratio >= 4.5)),
  )
  expect(weak).toEqual([])
})

test.each([':root', '.dark'])('%s: borders of controls, focus rings and state fills have 3:1', (selector) => {
  const colours = palette(selector)
  const parts = ['focus', 'line-strong', 'passed-fill', 'failed-fill']
  const weak = parts
    .map((part) => ({ part, ratio: contrast(colours[part]!, colours['surface']!) }))
    .filter(({ ratio }) => !(ratio >= 3))
  expect(weak).toEqual([])
})

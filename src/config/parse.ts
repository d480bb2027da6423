/** A setting's text becomes its value, or the sentence that says what is wrong with it. */
import { resolve } from 'node:path'
import type { Setting } from './settings.ts'

export type Parsed = { value: unknown } | { problem: string }

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim())
  return match ? Math.round(Number(match[1]) * (units[match[2]!.toLowerCase()] ?? 1)) : undefined
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

function inBounds(setting: Setting, value: number): Parsed {
  if (setting.min !== undefined && value < setting.min) return { problem: `must be at least ${setting.min}` }
  if (setting.max !== undefined && value > setting.max) return { problem: `must be at most ${setting.max}` }
  return { value }
}

function parseLabels(text: string): Parsed {
  const labels: Record<string, string> = {}
  for (const part of splitList(text)) {
    const [key = '', ...rest] = part.split('=')
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(key) || rest.length !== 1) {
      return { problem: `"${part}" is not a label; write name=value, comma separated` }
    }
    labels[key] = rest[0]!
  }
  return { value: labels }
}

export function parseSetting(setting: Setting, text: string): Parsed {
  const oneOf = setting.oneOf
  switch (setting.type) {
    case 'int':
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text)
      if (!Number.isFinite(value)) return { problem: `"${text}" is not a number` }
      if (setting.type === 'int' && !Number.isInteger(value)) return { problem: `"${text}" is not a whole number` }
      return inBounds(setting, value)
    }
    case 'bytes': {
      const value = parseBytes(text)
      return value === undefined
        ? { problem: `"${text}" is not a size; write 1048576 or 512M` }
        : inBounds(setting, value)
    }
    case 'bool': {
      const word = text.trim().toLowerCase()
      if (['true', '1', 'yes', 'on'].includes(word)) return { value: true }
      if (['false', '0', 'no', 'off'].includes(word)) return { value: false }
      return { problem: `"${text}" is neither true nor false` }
    }
    case 'list': {
      if (/^\s*\[.*\]\s*$/s.test(text)) return { problem: 'is a list: write a,b (comma separated), not JSON' }
      const value = splitList(text)
      const wrong = oneOf && value.find((entry) => !oneOf.includes(entry))
      if (wrong) return { problem: `"${wrong}" is none of ${oneOf.join(', ')}` }
      return { value: setting.paths ? value.map((entry) => resolve(entry)) : value }
    }
    case 'labels':
      return parseLabels(text)
    case 'path':
      return { value: resolve(text) }
    case 'string':
      return oneOf && !oneOf.includes(text) ? { problem: `"${text}" is none of ${oneOf.join(', ')}` } : { value: text }
  }
}

import { expect, test } from 'vitest'
import { onAll, printable, table } from './render.ts'

const columns = [{ title: 'ID' }, { title: 'NAME', shrinks: true }, { title: 'STATUS' }]

test('a table that fits is left alone, without trailing spaces', () => {
  expect(
    table(
      columns,
      [
        ['1', 'build', 'ok'],
        ['22', 'x', ''],
      ],
      80,
    ),
  ).toBe('ID  NAME   STATUS\n1   build  ok\n22  x\n')
})

test('on a narrow terminal the shrinking column gives way, on a wide one or in a pipe nothing does', () => {
  const rows = [['1', 'a very long name of a job indeed', 'completed']]
  for (const line of table(columns, rows, 30).trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(30)
  expect(table(columns, rows, 30)).toContain('…')
  expect(table(columns, rows, 30)).toContain('completed')
  expect(table(columns, rows, undefined)).toContain('a very long name of a job indeed')
})

test('a long table is one table, and takes no longer for each row than a short one', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => [String(i), i === 4000 ? '名前名前' : 'x', 'ok'])
  const began = process.threadCpuUsage()
  const lines = table(columns, rows, undefined).split('\n')
  // 0.2 s; all at once it was 3 s.
  expect(process.threadCpuUsage(began).user).toBeLessThan(1_500_000)
  expect(lines).toHaveLength(5002)
  expect([lines[0], lines[101], lines[4001]]).toEqual([
    'ID    NAME      STATUS',
    '100   x         ok',
    '4000  名前名前  ok',
  ])
  expect(table(columns, [], undefined)).toBe('ID  NAME  STATUS\n')
})

test("a job's name cannot steer the terminal", () => {
  expect(printable('a\u001b[31mred\u001b[0m\u0007b\nc\u202etxt\r')).toBe('ared·b·c·txt·')
  expect(printable('naïve 名前 ✓')).toBe('naïve 名前 ✓')
})

test('a server that others reach too says so beside the address of this machine', () => {
  expect(['0.0.0.0', '::', '127.0.0.1'].map(onAll)).toEqual([' (on all addresses)', ' (on all addresses)', ''])
})

import { expect, test } from 'vitest'
import { auditLine, csvHeader } from './audit-format.ts'

const row = {
  ...{ id: '7', at: '2026-11-22T10:00:00.000Z', actor_kind: 'user', actor: 'anna', action: 'job.cancel' },
  ...{ target: 'job:4d5c9fa91db4', result: 'done', address: null, seq: '7', detail: { force: true } },
}

test('a line of CSV has what its header says, and one of JSON is the row', () => {
  expect(csvHeader).toBe('id,at,actor_kind,actor,action,target,result,address,seq,detail\r\n')
  expect(auditLine('csv', row)).toBe(
    '7,2026-11-22T10:00:00.000Z,user,anna,job.cancel,job:4d5c9fa91db4,done,,7,"{""force"":true}"\r\n',
  )
  expect(JSON.parse(auditLine('jsonl', row))).toEqual(row)
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r\n=1', ' =1', '＝1'])(
  '%j is no formula to a table program',
  (actor) => {
    const [, , , cell] = auditLine('csv', { ...row, at: '', target: '' }).split(',')
    expect(cell).toBe('anna')
    expect(auditLine('csv', { ...row, actor })).toContain(`'${actor}`)
  },
)

test('a line break in a name stays inside its cell, and on one line of JSON', () => {
  expect(auditLine('csv', { ...row, actor: 'a\n8,x,"b' })).toContain(',"a\n8,x,""b",')
  expect(auditLine('jsonl', { ...row, actor: 'a\n{"id":"8"}' }).trimEnd()).not.toContain('\n')
})

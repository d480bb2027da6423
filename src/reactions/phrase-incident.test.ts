import { expect, test } from 'vitest'
import { phraseIncident, type IncidentChanged } from './phrase-incident.ts'

const at = new Date('2026-11-22T12:00:00Z')
const opened: IncidentChanged = {
  ...{ kind: 'incident', what: 'opened', id: 'abcdefghijkl', trouble: 'new', failures: 1, job: 'job456789012' },
  ...{ title: 'fails as never before: exit code <n>', text: 'exit code 3', opened_at: '2026-11-22T11:00:00.000Z' },
  source: { kind: 'event', name: 'import', id: 'event6789012' },
}

test('an incident is told when it opens, when it is back, and when it is over', () => {
  expect(phraseIncident(opened, at, 'https://runyard.example/')).toEqual({
    subject: 'Incident: event import fails as never before: exit code <n>',
    text: 'exit code 3\nThe job is job456789012.',
    link: 'https://runyard.example/incidents/abcdefghijkl',
    ...{ tone: 'failed', type: 'incident.opened', at: at.toISOString() },
    data: {
      incident: {
        ...{ id: opened.id, trouble: 'new', title: opened.title, source: opened.source, failures: 1 },
        ...{ text: 'exit code 3', job: opened.job, opened_at: opened.opened_at },
      },
    },
  })
  const again = phraseIncident({ ...opened, what: 'reopened', failures: 4 }, at, undefined)
  expect(again).toMatchObject({
    subject: 'Incident again: event import fails as never before: exit code <n>',
    text: 'It is back: exit code 3\n4 failures so far.',
    tone: 'failed',
  })
  expect(again).not.toHaveProperty('link')
  const text = 'succeeded 3 times in a row'
  expect(phraseIncident({ ...opened, what: 'closed', text, job: null }, at, undefined)).toMatchObject({
    subject: 'Incident closed: event import',
    text: `It is over: ${text}.\nOpen since 2026-11-22T11:00:00.000Z, 1 failure.`,
    tone: 'passed',
  })
})

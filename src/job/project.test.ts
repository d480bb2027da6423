import { expect, test } from 'vitest'
import { labelsSchema } from './labels.ts'
import { pathWith, projectLabel } from './project.ts'

test('one place is one label, however it is written; another place is another', () => {
  const label = projectLabel('/srv/app')
  for (const same of ['/srv/app/', '/srv//app', '/srv/x/../app', '/srv/./app//']) {
    expect(projectLabel(same)).toEqual(label)
  }
  const others = ['/', '/srv', '/srv/app2', '/srv/app/sub', '/srv/App'].map(
    (root) => Object.keys(projectLabel(root))[0],
  )
  expect(new Set([...others, ...Object.keys(label)]).size).toBe(6)
  expect(labelsSchema.safeParse({ ...label, ...projectLabel(`/${'long/'.repeat(200)}`) }).success).toBe(true)
})

test('programs of toolchains come first, from their bin or from themselves when they are one', () => {
  expect(pathWith([], '/usr/bin')).toBe('/usr/bin')
  expect(pathWith(['/opt/node', '/opt/go/bin', '/opt/bin/'], '/usr/bin:/bin')).toBe(
    '/opt/node/bin:/opt/go/bin:/opt/bin/:/usr/bin:/bin',
  )
})

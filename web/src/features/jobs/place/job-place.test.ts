import { expect, test } from 'vitest'
import { hostsText, imageText, placeText } from './executors.ts'
import { listProblem, readVolume, toExecutor, volumeLine } from './job-place.ts'

test('what has no meaning for another executor goes with the change, what has stays', () => {
  const container = { image: 'python', user: '1000', network: 'bridge' }
  expect(toExecutor({ executor: 'container', container, network: 'none' }, 'kubernetes')).toEqual({
    executor: 'kubernetes',
    container: { image: 'python' },
  })
  expect(toExecutor({ executor: 'ssh', hosts: ['web1'], hosts_success: 'any' }, 'sandbox')).toEqual({
    executor: 'sandbox',
  })
  expect(toExecutor({ network: 'host' }, 'container')).toEqual({ executor: 'container' })
  const listed = { network: 'egress', egress: ['a.example'] } as const
  expect(toExecutor({ network: 'egress', egress: ['a.example'] }, 'container')).toEqual({
    ...{ executor: 'container', ...listed },
  })
})

test('volumes as lines and back; half of one is still sent, so that the server says what is wrong', () => {
  for (const line of ['cache:/var/cache', 'cache:/var/cache:rw']) expect(volumeLine(readVolume(line))).toBe(line)
  expect(readVolume('cache:/var/cache:ro')).toEqual({ name: 'cache', path: '/var/cache' })
  expect(readVolume('cache')).toEqual({ name: 'cache', path: '' })
  expect(volumeLine(readVolume('cache'))).toBe('cache')
})

test('where it runs in a few letters', () => {
  expect(imageText('docker.io/library/python:3.12-slim@sha256:0f')).toBe('python:3.12-slim')
  expect([hostsText(['a', 'b']), hostsText(['a', 'b', 'c'])]).toEqual(['a, b', 'a and 2 more'])
  expect(placeText({ executor: 'ssh', hosts: ['web1'] })).toBe('web1')
  expect(placeText({ executor: 'sandbox' })).toBeNull()
})

test('a problem of a list names the entry', () => {
  const problems: Record<string, string> = { 'hosts[1]': 'is disabled', 'hosts[2]': 'there is no host web3' }
  expect(listProblem((field) => problems[field], 'hosts', ['web1', 'web2', 'web3'])).toBe(
    '“web2” is disabled; there is no host web3',
  )
  expect(listProblem(() => undefined, 'hosts', ['web1'])).toBeUndefined()
})

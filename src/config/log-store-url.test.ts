import { expect, test } from 'vitest'
import { effectiveConfig, loadConfig } from './config.ts'
import { parseLogStore } from './log-store-url.ts'

test('directories and buckets', () => {
  expect(parseLogStore('file:///shared/the%20logs/')).toMatchObject({ kind: 'directory', path: '/shared/the logs' })
  expect(parseLogStore('s3://AK:se%2Fcr%40t@minio.local:9000/bucket-1/runyard/a?region=eu-1')).toEqual({
    kind: 's3',
    endpoint: 'https://minio.local:9000/bucket-1',
    region: 'eu-1',
    prefix: 'runyard/a',
    accessKeyId: 'AK',
    secretAccessKey: 'se/cr@t',
    shown: 's3://minio.local:9000/bucket-1/runyard/a',
  })
  expect(parseLogStore('s3+http://AK:s@[::1]:9000/bucket')).toMatchObject({
    endpoint: 'http://[::1]:9000/bucket',
    region: 'us-east-1',
    prefix: '',
  })
})

test('what is wrong is said, and never with the secret', () => {
  for (const [text, problem] of [
    ['/shared/dir', 'is no URL'],
    ['ftp://host/dir', 'begins with ftp:'],
    ['file://shared/dir', 'names a host'],
    ['file:///', 'root directory'],
    ['file:///dir?x=1', 'part: a directory'],
    ['s3://host/bucket', 'has no KEY:SECRET'],
    ['s3://AK@host/bucket', 'has no KEY:SECRET'],
    ['s3://AK:hunter2@host', 'names no bucket'],
    ['s3://AK:hunter2@host/B', 'names no bucket'],
    ['s3://AK:hunter2@host/bucket/../x y', 'names no bucket|other characters'],
    ['s3://AK:hunter2@host/bucket?zone=1', 'has the option "zone"'],
    ['s3://AK:hunter2@host/bucket?region=E%20', 'has a region'],
    ['s3://AK:hunter2%@host/bucket', 'wrong % code'],
    ['s3://AK:hun#ter2@host/bucket', 'has a # part|is no URL'],
  ] as const) {
    const parsed = parseLogStore(text)
    expect(parsed, text).toMatchObject({ problem: expect.stringMatching(problem) as string })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  }
})

test('the setting is refused by its name, and is never shown', () => {
  const load = (store: string) => loadConfig({ env: { RUNYARD_LOG_STORE: store, RUNYARD_DATA_DIR: '/tmp/none' } })
  expect(() => load('s3://host')).toThrow(/RUNYARD_LOG_STORE: has no KEY:SECRET/)
  const shown = effectiveConfig(load('s3://AK:hunter2@host/bucket'))
  expect(shown.find((row) => row.setting === 'logStore')?.value).toBe('(set)')
  expect(JSON.stringify(shown)).not.toContain('hunter2')
})

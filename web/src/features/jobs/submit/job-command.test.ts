import { expect, test } from 'vitest'
import { asCommandLine, asCurl } from './job-command.ts'
import { emptyForm, toJobInput } from './job-form.ts'

const job = toJobInput({
  ...emptyForm,
  line: `echo "it's"`,
  name: 'two words',
  secret_env: [{ key: 'TOKEN', value: 'open sesame' }],
  env: [{ key: 'A', value: '$HOME' }],
  memory_mib: '64',
  max_attempts: '3',
  queue: 'ci',
  inputs: 'data:sets/a\nmodels',
  junit: 'reports/*.xml\n',
  job_labels: [{ key: 'app', value: 'web' }],
})

test('the command line does the same, quoted for a shell, and shows no secret', () => {
  expect(asCommandLine(job)).toEqual({
    text: `runyard start --name 'two words' --env 'A=$HOME' --secret TOKEN --input data:sets/a --input models --junit 'reports/*.xml' --memory 67108864 --queue ci --job-label app=web --retries 2 -- bash -c 'echo "it'\\''s"'`,
  })
})

test('what the command line cannot say is named', () => {
  expect(asCommandLine({ ...job, not_before: '2026-12-01T00:00:00Z' })).toEqual({
    missing: ['a start at a certain time'],
  })
})

test('curl sends the same document, without the values of secrets', () => {
  const text = asCurl(job, 'http://127.0.0.1:8000')
  expect(text).not.toContain('sesame')
  const body = /-d '(.*)'$/s.exec(text)![1]!.replaceAll(`'\\''`, `'`)
  expect(JSON.parse(body)).toEqual({ ...job, secret_env: { TOKEN: 'FILL IN' } })
})

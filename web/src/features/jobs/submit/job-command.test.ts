import { expect, test } from 'vitest'
import { readVolume, type JobPlace } from '../place/job-place.ts'
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

test('where it runs is said as the command line says it', () => {
  const line = (place: JobPlace) => asCommandLine(toJobInput({ ...emptyForm, line: 'x', place }))
  expect(line({ executor: 'ssh', hosts: ['web1', 'label:role=db'], hosts_success: 'any' })).toEqual({
    text: `runyard start --host web1 --host label:role=db --hosts-success any -- bash -c x`,
  })
  const container = { image: 'python', volumes: [readVolume('cache:/var/cache:rw')], read_only_root: true }
  expect(line({ executor: 'container', container, network: 'egress', egress: ['a.example:443'] })).toEqual({
    text: `runyard start --egress a.example:443 --image python --volume cache:/var/cache:rw --read-only-root -- bash -c x`,
  })
  expect(line({ executor: 'slurm', slurm: { nodes: 2 } })).toEqual({ missing: ['what Slurm is told'] })
  expect(line({ executor: 'kubernetes', container: { image: 'python' } })).toEqual({
    text: `runyard start --executor kubernetes --image python -- bash -c x`,
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

import { expect, test } from 'vitest'
import { emptyForm, errorsByField, missingField, toJobInput } from './job-form.ts'

test('a shell line is run by bash; what was left empty is not sent', () => {
  expect(toJobInput({ ...emptyForm, line: 'echo $HOME | wc -c' })).toEqual({
    command: ['bash', '-c', 'echo $HOME | wc -c'],
    queue: 'default',
    priority: 5,
    network: 'none',
    max_attempts: 1,
  })
})

test('arguments keep their spaces and empty ones in the middle', () => {
  const form = { ...emptyForm, mode: 'argv' as const, argv: 'printf\n%s|\na b\n\nc\n' }
  expect(toJobInput(form).command).toEqual(['printf', '%s|', 'a b', '', 'c'])
})

test('sizes are typed in MiB and sent in bytes; rows become a record', () => {
  const input = toJobInput({
    ...emptyForm,
    line: 'true',
    memory_mib: '64',
    cpu: '0.5',
    env: [
      { key: 'A', value: '1' },
      { key: '', value: '' },
    ],
    secret_env: [{ key: ' TOKEN ', value: ' s ' }],
  })
  expect(input).toMatchObject({
    limits: { memory_bytes: 67_108_864, cpu: 0.5 },
    env: { A: '1' },
    secret_env: { TOKEN: ' s ' },
  })
})

test('what is not a number reaches the server, which says so', () => {
  expect(toJobInput({ ...emptyForm, line: 'true', pids: 'many' }).limits).toEqual({ pids: Number.NaN })
})

test('an empty command is seen before it is sent', () => {
  expect(missingField(emptyForm)?.field).toBe('command')
  expect(missingField({ ...emptyForm, line: 'true' })).toBeNull()
})

test('the server’s problems stand at their fields, with the part that is wrong; the rest is not lost', () => {
  expect(
    errorsByField([
      { field: 'command[0]', message: 'must not be empty' },
      { field: 'limits.memory_bytes', message: 'at least 4 MiB' },
      { field: 'limits.pids', message: 'too many' },
      { field: 'env.1BAD', message: 'bad name' },
      { field: 'queue', message: 'does not exist' },
      { field: 'hosts[1]', message: 'does not exist' },
      { field: 'container.image', message: 'is not allowed' },
      { field: 'depends_on[0]', message: 'unknown job' },
    ]),
  ).toEqual({
    command: 'must not be empty',
    memory_mib: 'at least 4 MiB',
    pids: 'too many',
    env: '1BAD: bad name',
    queue: 'does not exist',
    'hosts[1]': 'does not exist',
    'container.image': 'is not allowed',
    other: 'depends_on[0]: unknown job',
  })
})

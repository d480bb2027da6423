import { InvalidArgumentError } from 'commander'
import { publicIdPattern } from '../lib/ids.ts'

export function jobId(text: string): string {
  if (!publicIdPattern.test(text)) throw new InvalidArgumentError('is not a job id: 12 characters, 0-9 and a-z')
  return text
}

/** Words of the API alone: they are in every first load, as addresses are read with them. Labels are in `words.ts`. */
export const kindNames = ['bash', 'python', 'node', 'http', 'message', 'pipeline'] as const
export const statusNames = ['active', 'paused', 'draft', 'archived'] as const
export const runStatusNames = ['queued', 'claimed', 'processing', 'completed', 'failed', 'cancelled'] as const
export const triggerNames = [
  'manual',
  'api',
  'schedule',
  'webhook',
  'job',
  'event',
  'pipeline',
  'action',
  'test',
  'redrive',
] as const

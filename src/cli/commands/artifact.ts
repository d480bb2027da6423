import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { Artifact } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { isArtifactName } from '../../lib/artifact-name.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { notice, print, printable, printJson } from '../render.ts'
import { showBytes } from '../units.ts'

export function define(command: Command): void {
  defineLs(command.command('ls').description('the files that a job left'))
  defineGet(command.command('get').description('download them'))
}

function defineLs(command: Command): void {
  command.argument('<job>', 'the job', jobId)
  command.action(async (id: string) => {
    const { json } = globalsOf(command)
    const artifacts = await withServer(command, ({ client }) => newest(client, id))
    if (json) return printJson({ artifacts })
    for (const { name, bytes } of artifacts) print(`${showBytes(bytes).padStart(10)}  ${printable(name)}`)
  })
}

function defineGet(command: Command): void {
  command
    .argument('<job>', 'the job', jobId)
    .argument('[name]', 'one of them, e.g. dist/app.tar.gz (default: all)')
    .option('-o, --output <dir>', 'where to; made when it is not there', '.')
  command.addHelpText('after', '\nEach is checked against its SHA-256, and takes the place of a file of the same name.')
  command.action(async (id: string, name: string | undefined, { output }: { output: string }) => {
    const { json, verbose } = globalsOf(command)
    const got = await withServer(command, async ({ client }) => {
      const all = await newest(client, id)
      const wanted = all.filter((one) => name === undefined || one.name === name)
      if (name !== undefined && wanted.length === 0) throw new AppError('not_found', `job ${id} left no ${name}`)
      for (const one of wanted) await download(client, id, one, resolve(output))
      return wanted
    })
    if (json) printJson({ artifacts: got })
    else notice(`${got.length} ${got.length === 1 ? 'file' : 'files'}`, verbose)
  })
}

/** Of one that left a file twice, the newer. */
async function newest(client: ApiClient, id: string): Promise<Artifact[]> {
  const { artifacts } = await client.calls.jobs.artifacts({ id })
  return [...new Map(artifacts.map((one) => [one.name, one])).values()]
}

async function download(client: ApiClient, id: string, one: Artifact, dir: string): Promise<void> {
  // A server's word decides about our files.
  if (!isArtifactName(one.name)) throw new AppError('internal', `the server names a file ${JSON.stringify(one.name)}`)
  const path = join(dir, one.name)
  const draft = `${path}.${randomBytes(4).toString('hex')}.part`
  await mkdir(dirname(path), { recursive: true })
  const sum = createHash('sha256')
  const summing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum.update(chunk)
      done(null, chunk)
    },
  })
  try {
    const bytes = await client.readArtifact(id, one.name, one.attempt)
    await pipeline(Readable.fromWeb(bytes as never), summing, createWriteStream(draft, { flags: 'wx' }))
    if (sum.digest('hex') !== one.sha256) throw new AppError('unavailable', `${one.name} came damaged: try again`)
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

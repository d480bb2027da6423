/** The contract, implemented: each handler hands over to one operation. */
import { implement } from '@orpc/server'
import { AppError } from '../../lib/app-error.ts'
import type { Operations } from '../../operations/index.ts'
import { contract } from '../contract/index.ts'
import type { CallContext } from './contract-routes.ts'
import { sessionCookie } from './http-access.ts'

/** Stands where an operation is being written. */
const notYet = (): never => {
  throw new AppError('unavailable', 'this is not there yet')
}

export function createRouter({ operations: on, version }: { operations: Operations; version: string }) {
  const os = implement(contract).$context<CallContext>()

  const idempotencyKey = ({ request }: CallContext): string | undefined => {
    const header = request.headers['idempotency-key']
    return Array.isArray(header) ? header.join(',') : header
  }

  return os.router({
    health: os.health.handler(() => ({ status: 'ok', version })),
    ready: os.ready.handler(() => {
      const missing = on.notReady()
      if (missing.length === 0) return { status: 'ready' }
      const what = missing.map((m) => `${m.field} ${m.message}`).join('; ')
      throw new AppError('unavailable', `not ready: ${what}`, { fields: missing, retryAfterSeconds: 2 })
    }),
    me: os.me.handler(({ context }) => on.whoAmI(context.ask)),
    session: {
      create: os.session.create.handler(async ({ input, context }) => {
        const signedIn = await on.signIn(context.ask, input)
        context.reply.setCookie(sessionCookie, signedIn.token, {
          httpOnly: true,
          sameSite: 'strict',
          secure: context.request.protocol === 'https',
          path: '/',
          maxAge: signedIn.expiresInSeconds,
        })
        const expires = new Date(Date.now() + signedIn.expiresInSeconds * 1000)
        return { user: signedIn.user, expires_at: expires.toISOString() }
      }),
      delete: os.session.delete.handler(({ context }) => {
        context.reply.clearCookie(sessionCookie, { path: '/' })
      }),
    },
    jobs: {
      submit: os.jobs.submit.handler(async ({ input, context }) => {
        const { job, replayed } = await on.submitJob(context.ask, input, idempotencyKey(context))
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return job
      }),
      submitMany: os.jobs.submitMany.handler(async ({ input, context }) => {
        const key = idempotencyKey(context)
        const done = await on.submitJobs(context.ask, { specs: input.jobs, many: true, idempotencyKey: key })
        if (done.replayed) context.reply.header('idempotency-replayed', 'true')
        return { ids: done.publicIds, replayed: done.replayed }
      }),
      list: os.jobs.list.handler(({ input, context }) => on.listJobs(context.ask, input)),
      stats: os.jobs.stats.handler(({ input, context }) => on.jobStats(context.ask, input.owner)),
      throughput: os.jobs.throughput.handler(notYet),
      act: os.jobs.act.handler(notYet),
      get: os.jobs.get.handler(({ input, context }) => on.getJob(context.ask, input.id)),
      delete: os.jobs.delete.handler(({ input, context }) => on.deleteJob(context.ask, input.id)),
      cancel: os.jobs.cancel.handler(async ({ input, context }) => {
        const result = await on.cancelJob(context.ask, input)
        return { id: result.publicId, state: result.state, cancel_requested: true }
      }),
      rerun: os.jobs.rerun.handler(async ({ input, context }) => {
        const again = { id: input.id, idempotencyKey: idempotencyKey(context) }
        const { publicIds, replayed } = await on.rerunJob(context.ask, again)
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return on.getJob(context.ask, publicIds[0]!)
      }),
      attempts: os.jobs.attempts.handler(async ({ input, context }) => ({
        attempts: await on.listAttempts(context.ask, input.id),
      })),
    },
    batches: {
      create: os.batches.create.handler(notYet),
      preview: os.batches.preview.handler(notYet),
      list: os.batches.list.handler(notYet),
      get: os.batches.get.handler(notYet),
      cancel: os.batches.cancel.handler(notYet),
      complete: os.batches.complete.handler(notYet),
      rerun: os.batches.rerun.handler(notYet),
      delete: os.batches.delete.handler(notYet),
      tests: os.batches.tests.handler(notYet),
    },
    testInsights: os.testInsights.handler(notYet),
    batchTemplates: {
      put: os.batchTemplates.put.handler(notYet),
      list: os.batchTemplates.list.handler(notYet),
      get: os.batchTemplates.get.handler(notYet),
      delete: os.batchTemplates.delete.handler(notYet),
    },
    channels: {
      list: os.channels.list.handler(notYet),
      get: os.channels.get.handler(notYet),
      put: os.channels.put.handler(notYet),
      delete: os.channels.delete.handler(notYet),
      test: os.channels.test.handler(notYet),
    },
    messageDeliveries: {
      list: os.messageDeliveries.list.handler(notYet),
      redeliver: os.messageDeliveries.redeliver.handler(notYet),
    },
    audit: {
      list: os.audit.list.handler(notYet),
      verify: os.audit.verify.handler(notYet),
    },
    account: {
      useReset: os.account.useReset.handler(notYet),
      signOutEverywhere: os.account.signOutEverywhere.handler(notYet),
    },
    queues: {
      list: os.queues.list.handler(async ({ context }) => ({ queues: await on.listQueues(context.ask) })),
      put: os.queues.put.handler(({ input, context }) => on.putQueue(context.ask, input)),
    },
    runners: {
      list: os.runners.list.handler(async ({ context }) => ({ runners: await on.listRunners(context.ask) })),
    },
    users: {
      create: os.users.create.handler(({ input, context }) => on.createUser(context.ask, input)),
      list: os.users.list.handler(async ({ context }) => ({ users: await on.listUsers(context.ask) })),
      get: os.users.get.handler(({ input, context }) => on.getUser(context.ask, input.username)),
      change: os.users.change.handler(notYet),
      delete: os.users.delete.handler(notYet),
      createReset: os.users.createReset.handler(notYet),
      setPassword: os.users.setPassword.handler(({ input, context }) => on.setPassword(context.ask, input)),
    },
    tokens: {
      create: os.tokens.create.handler(({ input, context }) => on.createToken(context.ask, input)),
      list: os.tokens.list.handler(async ({ context }) => ({ tokens: await on.listTokens(context.ask) })),
      delete: os.tokens.delete.handler(({ input, context }) => on.revokeToken(context.ask, input.id)),
    },
    certificates: {
      initAuthority: os.certificates.initAuthority.handler(({ input, context }) =>
        on.initAuthority(context.ask, input),
      ),
      listAuthorities: os.certificates.listAuthorities.handler(async ({ context }) => ({
        authorities: await on.listAuthorities(context.ask),
      })),
      issue: os.certificates.issue.handler(({ input, context }) => on.issueCertificate(context.ask, input)),
      list: os.certificates.list.handler(({ input, context }) => on.listCertificates(context.ask, input)),
      revoke: os.certificates.revoke.handler(({ input, context }) => on.revokeCertificate(context.ask, input)),
    },
    runnerTokens: {
      create: os.runnerTokens.create.handler(({ input, context }) => on.createRunnerToken(context.ask, input)),
    },
  })
}

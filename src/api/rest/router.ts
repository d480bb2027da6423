/** The contract, implemented: each handler hands over to one operation. */
import { AppError } from '../../lib/app-error.ts'
import type { Operations } from '../../operations/index.ts'
import { sessionCookieOf } from './http-access.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { implementer } from './implementer.ts'
import { eventRoutes, eventRunRoutes } from './routes/events.ts'
import { conditionRoutes, messageTemplateRoutes, toolRoutes } from './routes/actions.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { deadLetterRoutes, failureGroupRoutes, incidentRoutes } from './routes/failures.ts'
import { sealingKeyRoutes, variableRoutes } from './routes/variables.ts'
import { hostRoutes } from './routes/hosts.ts'
import { imageRoutes } from './routes/images.ts'
import { webhookRoutes } from './routes/webhooks.ts'

export function createRouter({ operations: on, version }: { operations: Operations; version: string }) {
  const os = implementer()

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
        context.reply.setCookie(sessionCookieOf(context.request), signedIn.token, {
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
        context.reply.clearCookie(sessionCookieOf(context.request), {
          path: '/',
          secure: context.request.protocol === 'https',
        })
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
      throughput: os.jobs.throughput.handler(({ input, context }) => on.jobThroughput(context.ask, input.minutes)),
      act: os.jobs.act.handler(({ input, context }) => on.actOnJobs(context.ask, input)),
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
      artifacts: os.jobs.artifacts.handler(({ input, context }) => on.listArtifacts(context.ask, input)),
      attempts: os.jobs.attempts.handler(async ({ input, context }) => ({
        attempts: await on.listAttempts(context.ask, input.id),
      })),
    },
    limits: {
      suggest: os.limits.suggest.handler(({ input, context }) => on.suggestedLimits(context.ask, input)),
    },
    batches: {
      create: os.batches.create.handler(async ({ input, context }) => {
        const { batch, replayed } = await on.createBatch(context.ask, input, idempotencyKey(context))
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return batch
      }),
      preview: os.batches.preview.handler(({ input, context }) => on.previewBatch(context.ask, input)),
      list: os.batches.list.handler(({ input, context }) => on.listBatches(context.ask, input)),
      get: os.batches.get.handler(({ input, context }) => on.getBatch(context.ask, input.id)),
      cancel: os.batches.cancel.handler(({ input, context }) => on.cancelBatch(context.ask, input)),
      complete: os.batches.complete.handler(({ input, context }) => on.completeBatch(context.ask, input)),
      rerun: os.batches.rerun.handler(async ({ input, context }) => {
        const again = { ...input, idempotencyKey: idempotencyKey(context) }
        const { batch, replayed } = await on.rerunBatch(context.ask, again)
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return batch
      }),
      delete: os.batches.delete.handler(({ input, context }) => on.deleteBatch(context.ask, input.id)),
      tests: os.batches.tests.handler(({ input, context }) => on.batchTests(context.ask, input)),
    },
    testInsights: os.testInsights.handler(({ input, context }) => on.testInsights(context.ask, input)),
    batchTemplates: {
      put: os.batchTemplates.put.handler(({ input, context }) => on.putTemplate(context.ask, input)),
      list: os.batchTemplates.list.handler(async ({ input, context }) => ({
        templates: await on.listTemplates(context.ask, input),
      })),
      get: os.batchTemplates.get.handler(({ input, context }) => on.getTemplate(context.ask, input)),
      delete: os.batchTemplates.delete.handler(({ input, context }) => on.deleteTemplate(context.ask, input)),
    },
    pipelines: {
      list: os.pipelines.list.handler(({ input, context }) => on.listPipelines(context.ask, input)),
      get: os.pipelines.get.handler(({ input, context }) => on.getPipeline(context.ask, input)),
      check: os.pipelines.check.handler(({ input, context }) => on.checkPipelines(context.ask, input)),
      put: os.pipelines.put.handler(({ input, context }) => on.putPipeline(context.ask, input)),
      delete: os.pipelines.delete.handler(({ input, context }) => on.deletePipeline(context.ask, input.name)),
      versions: os.pipelines.versions.handler(({ input, context }) => on.pipelineVersions(context.ask, input)),
      diff: os.pipelines.diff.handler(({ input, context }) => on.pipelineDiff(context.ask, input)),
      restore: os.pipelines.restore.handler(({ input, context }) => on.restorePipeline(context.ask, input)),
      start: os.pipelines.start.handler(async ({ input, context }) => {
        const { queue_partition: queuePartition, ...given } = input
        const start = { ...given, queuePartition, idempotencyKey: idempotencyKey(context) }
        const { run, replayed } = await on.startPipeline(context.ask, start)
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return run
      }),
    },
    schedules: {
      list: os.schedules.list.handler(({ input, context }) => on.listSchedules(context.ask, input)),
      create: os.schedules.create.handler(({ input, context }) => on.createSchedule(context.ask, input)),
      get: os.schedules.get.handler(({ input, context }) => on.getSchedule(context.ask, input.id)),
      change: os.schedules.change.handler(({ input, context }) => on.changeSchedule(context.ask, input)),
      delete: os.schedules.delete.handler(({ input, context }) => on.deleteSchedule(context.ask, input.id)),
      ticks: os.schedules.ticks.handler(({ input, context }) => on.scheduleTicks(context.ask, input)),
      preview: os.schedules.preview.handler(({ input, context }) => on.previewSchedule(context.ask, input)),
    },
    hosts: hostRoutes(os, on),
    images: imageRoutes(os, on),
    webhooks: webhookRoutes(os, on),
    pipelineRuns: {
      list: os.pipelineRuns.list.handler(({ input, context }) => on.listPipelineRuns(context.ask, input)),
      get: os.pipelineRuns.get.handler(({ input, context }) => on.getPipelineRun(context.ask, input.id)),
      tasks: os.pipelineRuns.tasks.handler(({ input, context }) => on.pipelineTasks(context.ask, input)),
      cancel: os.pipelineRuns.cancel.handler(({ input, context }) => on.cancelPipelineRun(context.ask, input)),
      cancelTask: os.pipelineRuns.cancelTask.handler(({ input, context }) => on.cancelPipelineTask(context.ask, input)),
      decide: os.pipelineRuns.decide.handler(({ input, context }) => on.decidePipelineTask(context.ask, input)),
      rerun: os.pipelineRuns.rerun.handler(async ({ input, context }) => {
        const again = { ...input, idempotencyKey: idempotencyKey(context) }
        const { run, replayed } = await on.rerunPipelineRun(context.ask, again)
        if (replayed) context.reply.header('idempotency-replayed', 'true')
        return run
      }),
      delete: os.pipelineRuns.delete.handler(({ input, context }) => on.deletePipelineRun(context.ask, input.id)),
    },
    channels: {
      list: os.channels.list.handler(async ({ context }) => ({ channels: await on.listChannels(context.ask) })),
      get: os.channels.get.handler(({ input, context }) => on.getChannel(context.ask, input.name)),
      put: os.channels.put.handler(({ input, context }) => on.putChannel(context.ask, input)),
      delete: os.channels.delete.handler(({ input, context }) => on.deleteChannel(context.ask, input.name)),
      test: os.channels.test.handler(({ input, context }) => on.testChannel(context.ask, input.name)),
    },
    messageDeliveries: {
      list: os.messageDeliveries.list.handler(({ input, context }) => on.listDeliveries(context.ask, input)),
      redeliver: os.messageDeliveries.redeliver.handler(({ input, context }) => on.redeliver(context.ask, input.id)),
    },
    audit: {
      list: os.audit.list.handler(({ input, context }) => on.listAudit(context.ask, input)),
      verify: os.audit.verify.handler(({ input, context }) => on.verifyAudit(context.ask, input ?? {})),
    },
    account: {
      useReset: os.account.useReset.handler(({ input, context }) => on.useReset(context.ask, input)),
      signOutEverywhere: os.account.signOutEverywhere.handler(({ context }) => on.signOutEverywhere(context.ask)),
    },
    events: eventRoutes(os, on),
    eventRuns: eventRunRoutes(os, on),
    variables: variableRoutes(os, on),
    sealingKeys: sealingKeyRoutes(os, on),
    tools: toolRoutes(os, on),
    messageTemplates: messageTemplateRoutes(os, on),
    conditions: conditionRoutes(os, on),
    deadLetters: deadLetterRoutes(os, on),
    failureGroups: failureGroupRoutes(os, on),
    incidents: incidentRoutes(os, on),
    analytics: analyticsRoutes(os, on),
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
      change: os.users.change.handler(({ input, context }) => on.changeUser(context.ask, input)),
      delete: os.users.delete.handler(({ input, context }) => on.deleteUser(context.ask, input.username)),
      createReset: os.users.createReset.handler(({ input, context }) => on.createReset(context.ask, input.username)),
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

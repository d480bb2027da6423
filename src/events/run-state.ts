/** What state a run is in, in SQL: its own when it is settled, else that of its job or of its run of a pipeline. */

/** Beside `event_runs er`. */
export const runTables = `left join jobs j on j.public_id = er.job_id
  left join runs pr0 on pr0.public_id = er.pipeline_run_id left join pipeline_runs pr on pr.run_id = pr0.id`

/** A job that was removed before anybody looked is lost. */
export const openState = `coalesce(er.end_state, j.state,
  case coalesce(pr.result, pr.state) when 'waiting' then 'queued' else coalesce(pr.result, pr.state) end,
  case when er.job_id is null and er.pipeline_run_id is null then 'queued' else 'lost' end)`

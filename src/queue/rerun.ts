import type { StoredSpec } from '../job/spec.ts'

/** The spec of a rerun: the same work, now, whatever the first run waited for. The new job is submitted with `rerunOf`. */
export function specForRerun(spec: StoredSpec): StoredSpec {
  const {
    not_before: _notBefore,
    delay_seconds: _delay,
    depends_on: _on,
    on_dependency_failure: _skip,
    trace: _trace,
    ...same
  } = spec
  return same
}

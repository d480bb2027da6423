/** Tells a runner that works by the settings of today from one that an earlier `up` started with others. */
import { createHash } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { settings, type Setting, type SettingGroup, type SettingName } from '../../config/settings.ts'

/** What a runner goes by; where servers listen and what they keep is not its affair. */
const ofRunners: readonly SettingGroup[] = ['runner', 'jobs', 'limits']

/** 16 hex digits; no value can be read back from it, and no secret goes in. */
export function settingsMark(config: Config): string {
  const values = (Object.entries(settings) as [SettingName, Setting][])
    .filter(([, setting]) => ofRunners.includes(setting.group) && !('secret' in setting && setting.secret))
    .map(([name]) => [name, config[name as keyof Config]])
  return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 16)
}

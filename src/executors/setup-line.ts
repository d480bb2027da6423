/** What to type for a host that lacks something; `src/cli/setup-line.ts` spells it as this installation needs. */
export const setupLine = 'sudo npx runyard setup --yes'

export { checkBackup, openBackup, restoreBackup, type OpenedBackup } from './restore-backup.ts'
export { createBackup } from './create-backup.ts'
export { runningDatabase } from './running-database.ts'

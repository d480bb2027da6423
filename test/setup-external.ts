export { external as default } from './database-setup.ts'

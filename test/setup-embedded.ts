import { embedded, external } from './database-setup.ts'

export default process.env.RUNYARD_TEST_PG === 'external' ? external : embedded

export { diskIsFull, isFull } from '../lib/disk-room.ts'

/** The door to the task message: its types, reading and writing. */
export { decodeMessage } from './decode.js'
export { createEncoder, type MessageEncoder } from './encode.js'
export { markRedelivered, withHeaders } from './envelope-edit.js'
export * from './task-message.js'

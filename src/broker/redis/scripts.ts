/** The steps: each a Lua file of its own, with keys, arguments and reply on top. */
import { loadScript } from '../../redis/link.js'

export const scripts = {
  publish: loadScript(import.meta.url, 'publish'),
  register: loadScript(import.meta.url, 'register'),
  take: loadScript(import.meta.url, 'take'),
  settle: loadScript(import.meta.url, 'settle'),
  start: loadScript(import.meta.url, 'start'),
  giveBack: loadScript(import.meta.url, 'give-back'),
  renew: loadScript(import.meta.url, 'renew'),
  fence: loadScript(import.meta.url, 'fence'),
  retire: loadScript(import.meta.url, 'retire'),
  moveDue: loadScript(import.meta.url, 'move-due'),
  unpark: loadScript(import.meta.url, 'unpark'),
  reserve: loadScript(import.meta.url, 'reserve'),
  revoke: loadScript(import.meta.url, 'revoke'),
  lead: loadScript(import.meta.url, 'lead'),
  yield: loadScript(import.meta.url, 'yield'),
  putEntries: loadScript(import.meta.url, 'put-entries'),
  removeEntries: loadScript(import.meta.url, 'remove-entries'),
  enableEntry: loadScript(import.meta.url, 'enable-entry'),
  tick: loadScript(import.meta.url, 'tick'),
  retryDead: loadScript(import.meta.url, 'retry-dead'),
}

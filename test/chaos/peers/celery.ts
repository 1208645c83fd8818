/** Python's Celery, acking late, its visibility timeout for a lease. Messages and results are the same as ours, so our own producer and witness serve. */
import { fileURLToPath } from 'node:url'
import { findTools } from '../../setup/tools.js'
import { CelerityClient } from './celerity.js'
import type { Peer } from './peer.js'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Seconds: what a lost worker held comes back with kombu's sweep, every hundred. */
const PATIENCE = 240
/** The only residue that counts: messages that wait or are held. */
const HELD = /^(celery|unacked)\b/

export const celery: Peer = {
  name: 'Celery',
  ready: / ready\./,
  registers: false,
  patience: PATIENCE,
  worker(name, url, { concurrency = 4, lease = 2 }) {
    const { path, missing } = findTools().python
    if (path === undefined) throw new Error(missing)
    const quick = ['--without-gossip', '--without-mingle']
    const args = [
      '-m',
      'celery',
      '-A',
      'celery_app',
      '--workdir',
      FOLDER,
      'worker',
      '-n',
      `${name}@system`,
      '-c',
      `${concurrency}`,
      '-l',
      'info',
    ]
    return { file: path, args: [...args, ...quick], env: { CHAOS_URL: url, CHAOS_LEASE: `${lease}`, PYTHONDONTWRITEBYTECODE: '1' } }
  },
  open: (url) => CelerityClient.open(url),
  residue: async (stand) => (await stand.residue()).filter((key) => HELD.test(key)),
}

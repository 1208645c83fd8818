/** The systems that scenarios can be played with. */
import { bullmq } from './bullmq.js'
import { celerity } from './celerity.js'
import { celery } from './celery.js'
import type { Peer } from './peer.js'

export const PEERS: readonly Peer[] = [celerity, celery, bullmq]

/** The systems that scenarios can be played with. */
import { celerity } from './celerity.js'
import type { Peer } from './peer.js'

export const PEERS: readonly Peer[] = [celerity]

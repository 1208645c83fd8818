/** `Outcomes` from settings: for the worker, and for whoever settles in its place. */
import type { MessageBuilder } from '../app/message-builder.js'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import type { Log } from '../log.js'
import type { ResultStore } from '../results/store.js'
import { Outcomes } from './settlement.js'

export interface OutcomesSource {
  readonly settings: Pick<Settings, 'resultExpires' | 'resultExtended' | 'taskStoreErrorsEvenIfIgnored' | 'jsonTypeMarkers'>
  readonly builder: Pick<MessageBuilder, 'encoder' | 'buildSignature'>
  readonly clock: Clock
  readonly log: Log
}

export interface OutcomesPlace {
  readonly store: ResultStore | null
  /** `BrokerAbilities.server`. */
  readonly brokerServer: string
  readonly node: string
}

export function createOutcomes({ settings, builder, clock, log }: OutcomesSource, { store, brokerServer, node }: OutcomesPlace): Outcomes {
  return new Outcomes(
    {
      store,
      brokerServer,
      encoder: builder.encoder,
      log,
      now: () => clock.now(),
      follow: (signature, first, parent) => {
        const built = builder.buildSignature(signature, first, { rootId: parent.rootId, parentId: parent.id })
        return { id: built.id, message: built.outgoing }
      },
    },
    {
      node,
      resultTtl: settings.resultExpires,
      resultExtended: settings.resultExtended,
      storeErrorsEvenIfIgnored: settings.taskStoreErrorsEvenIfIgnored,
      markers: settings.jsonTypeMarkers,
    },
  )
}

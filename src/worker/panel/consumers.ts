/** The queues that this worker takes from. */
import { queueNameProblem } from '../../protocol/queue-name.js'
import type { Arguments } from './arguments.js'
import { type Command, type Commands, ok } from './command.js'
import { PythonError } from './python-error.js'

/** Longest name of a queue, in characters. */
const MAX_NAME = 255

const add: Command = {
  required: ['queue'],
  optional: ['exchange', 'exchange_type', 'routing_key'],
  others: true,
  async run({ worker, log }, args) {
    const queue = queueName(args)
    refuseOtherExchange(queue, args)
    await worker.consume((queues) => (queues.includes(queue) ? queues : [...queues, queue]))
    log.info(`takes from ${queue}`, { queues: worker.queues })
    return ok(`add consumer ${queue}`)
  },
}

const cancel: Command = {
  required: ['queue'],
  others: true,
  async run({ worker, log }, args) {
    const queue = queueName(args)
    await worker.consume((queues) => queues.filter((name) => name !== queue))
    log.info(`takes from ${queue} no longer`, { queues: worker.queues })
    return ok(`no longer consuming from ${queue}`)
  },
}

const activeQueues: Command = { run: ({ worker }) => worker.queues.map(queueInfo) }

export const consumerCommands: Commands = { add_consumer: add, cancel_consumer: cancel, active_queues: activeQueues }

function queueName(args: Arguments): string {
  const queue = args.text('queue')
  const why = queue.length > MAX_NAME ? 'is no name of a queue' : queueNameProblem(queue)
  if (why === null) return queue
  throw new PythonError('ValueError', `${queue.slice(0, MAX_NAME)} ${why}`)
}

/** Our brokers keep queues by name. A queue bound to an exchange of another name would be consumed, and never get what is sent there. */
function refuseOtherExchange(queue: string, args: Arguments): void {
  const exchange = args.optionalText('exchange') || queue
  const key = args.optionalText('routing_key') || queue
  const type = args.optionalText('exchange_type') || 'direct'
  if (exchange === queue && key === queue && type === 'direct') return
  const asked = `${type} exchange ${exchange} with key ${key}`
  throw new PythonError(
    'NotImplementedError',
    `this worker takes from queues by name, not from a ${asked}; leave exchange and routing key out`,
  )
}

/** As kombu's `Queue.as_dict`. */
function queueInfo(name: string) {
  return {
    name,
    exchange: {
      name,
      type: 'direct',
      arguments: null,
      durable: true,
      passive: false,
      auto_delete: false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: name,
    queue_arguments: null,
    binding_arguments: null,
    consumer_arguments: null,
    durable: true,
    exclusive: false,
    auto_delete: false,
    no_ack: false,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: null,
  }
}

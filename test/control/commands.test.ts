import { expect } from 'chai'
import { aliasesOf, CONTROL_COMMANDS, type ControlCommandName, controlCommand } from '../../src/control/commands.js'
import { type Given, readParameters } from '../../src/control/parameters.js'
import { CelerityError } from '../../src/errors.js'
import { CONTROL_METHODS } from '../../src/protocol/control-methods.js'

const read = (name: ControlCommandName, given: Given = {}) => readParameters(controlCommand(name).parameters, given)

describe('commands of remote control', () => {
  it('are methods that workers know, one each, by the names Celery has for them or with hyphens', () => {
    const methods = Object.values(CONTROL_COMMANDS).map(({ method }) => method)

    expect(methods.filter((method) => !CONTROL_METHODS.has(method))).to.deep.equal([])
    expect(new Set(methods).size).to.equal(methods.length)
    expect(aliasesOf('active-queues')).to.deep.equal(['active_queues'])
    expect(aliasesOf('memory')).to.deep.equal(['memsample'])
    expect(aliasesOf('ping')).to.deep.equal([])
  })

  const sent: readonly [name: ControlCommandName, given: Given, args: object][] = [
    ['ping', {}, {}],
    ['registered', {}, {}],
    ['registered', { attribute: ['rate_limit'] }, { taskinfoitems: ['rate_limit'] }],
    ['conf', {}, { with_defaults: false }],
    ['conf', { defaults: true }, { with_defaults: true }],
    ['query-task', { id: ['a', 'b', 'a'] }, { ids: ['a', 'b'] }],
    ['revoke', { id: ['a'] }, { task_id: ['a'], terminate: false, signal: 'SIGTERM' }],
    ['revoke', { id: ['a'], terminate: true, signal: 'kill' }, { task_id: ['a'], terminate: true, signal: 'SIGKILL' }],
    ['revoke', { id: ['a'], terminate: true, signal: '15' }, { task_id: ['a'], terminate: true, signal: 'SIGTERM' }],
    [
      'revoke-by-stamped-headers',
      { stamp: ['tenant=mdn', 'tenant=', 'a=b=c'] },
      { headers: { tenant: ['mdn', ''], a: ['b=c'] }, terminate: false, signal: 'SIGTERM' },
    ],
    ['rate-limit', { task: 't', rate: '10/m' }, { task_name: 't', rate_limit: '10/m' }],
    ['rate-limit', { task: 't', rate: '2.5' }, { task_name: 't', rate_limit: '2.5' }],
    ['rate-limit', { task: 't', rate: 'none' }, { task_name: 't', rate_limit: 0 }],
    ['rate-limit', { task: 't', rate: '0/m' }, { task_name: 't', rate_limit: 0 }],
    ['time-limit', { task: 't', soft: '60', hard: '2m' }, { task_name: 't', soft: 60, hard: 120 }],
    ['time-limit', { task: 't', soft: 'none' }, { task_name: 't', soft: null }],
    ['pool-grow', {}, { n: 1 }],
    ['pool-shrink', { number: '3' }, { n: 3 }],
    ['autoscale', { max: '10', min: '0' }, { max: 10, min: 0 }],
    ['autoscale', { max: '10' }, { max: 10 }],
    ['add-consumer', { queue: 'mail' }, { queue: 'mail' }],
    [
      'add-consumer',
      { queue: 'mail', exchange: 'x', type: 'topic', 'routing-key': 'm.#' },
      { queue: 'mail', exchange: 'x', exchange_type: 'topic', routing_key: 'm.#' },
    ],
  ]
  for (const [name, given, args] of sent) {
    it(`${name} ${JSON.stringify(given)} sends ${JSON.stringify(args)}`, () => expect(read(name, given)).to.deep.equal(args))
  }

  const refused: readonly [name: ControlCommandName, given: Given, message: string][] = [
    ['query-task', { id: [] }, 'ID must be given.'],
    ['revoke', { id: ['a b'] }, '"a b" is no task id'],
    ['revoke', { id: ['a'], signal: 'SIGNOSUCH' }, '--signal "SIGNOSUCH" is no signal'],
    ['revoke-by-stamped-headers', { stamp: ['tenant'] }, '"tenant" is no stamp'],
    ['revoke-by-stamped-headers', { stamp: ['=x'] }, '"=x" is no stamp'],
    ['rate-limit', { task: 't', rate: '10/y' }, 'RATE "10/y" is no rate'],
    ['rate-limit', { task: 't' }, 'RATE must be given.'],
    ['time-limit', { task: 't', soft: 'soon' }, 'SOFT "soon" is no span of time'],
    ['pool-grow', { number: '0' }, 'NUMBER "0" is no whole number from 1'],
    ['pool-grow', { number: '1e9' }, 'NUMBER "1e9" is no whole number from 1'],
    ['add-consumer', { queue: ' mail' }, 'QUEUE " mail" is no name'],
  ]
  for (const [name, given, message] of refused) {
    it(`${name} ${JSON.stringify(given)} is refused`, () => expect(() => read(name, given)).to.throw(CelerityError, message))
  }
})

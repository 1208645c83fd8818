import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { bindArguments, validateArguments } from '../../src/app/arguments.js'
import { Registry } from '../../src/app/registry.js'
import type { TaskDefinition } from '../../src/app/task-definition.js'
import type { TaskOptions } from '../../src/app/task-options.js'
import { toWireError } from '../../src/protocol/error-wire.js'
import { failureOf } from './an-app.js'

const task = (handler: (...args: never[]) => unknown, options: TaskOptions = {}): TaskDefinition =>
  new Registry().add('kuma.add', options, handler)
const two = (x: number, y: number) => x + y

describe('binding arguments', () => {
  it('hands positional arguments on as they are', () => {
    const args = [1, 2]

    expect(bindArguments(task(two), args, {})).to.equal(args)
  })

  it('gives keyword arguments as one object after the positional ones when the task names no parameters', () => {
    expect(bindArguments(task(two), [1], { y: 2 })).to.deep.equal([1, { y: 2 }])
  })

  it('finds the position of keyword arguments by the names of the parameters', () => {
    const definition = task(two, { params: ['x', 'y'] })

    expect(bindArguments(definition, [], { y: 2, x: 1 })).to.deep.equal([1, 2])
    expect(bindArguments(definition, [1], { y: 2 })).to.deep.equal([1, 2])
  })

  it('leaves out what has a default value, so that the default holds', () => {
    const handler = (x: number, y = 10, z = 100) => x + y + z
    const definition = task(handler, { params: ['x', 'y', 'z'] })

    const bound = bindArguments(definition, [1], { z: 5 }) as [number]

    expect(handler(...bound)).to.equal(16)
  })

  it('lets parameters marked with ? be left out, which JavaScript cannot tell by itself', () => {
    const optional = (x: number, y: number | undefined) => [x, y]

    expect(bindArguments(task(optional, { params: ['x', 'y?'] }), [1], {})).to.deep.equal([1])
    expect(bindArguments(task(optional, { params: ['x', 'y?'] }), [], { x: 1, y: 2 })).to.deep.equal([1, 2])
  })

  it('does not count the context of a bound task', () => {
    const definition = task((_task: never, x: number) => x, { bind: true, params: ['x'] })

    expect(bindArguments(definition, [], { x: 1 })).to.deep.equal([1])
  })

  const three = (x: number, y: number, z: number) => x + y + z
  const withDefault = (x: number, y = 1) => x + y
  const cases: [string, TaskDefinition, unknown[], Record<string, unknown>, string][] = [
    ['one missing', task(two, { params: ['x', 'y'] }), [2], {}, "kuma.add() missing 1 required positional argument: 'y'"],
    ['two missing', task(two, { params: ['x', 'y'] }), [], {}, "kuma.add() missing 2 required positional arguments: 'x' and 'y'"],
    [
      'three missing',
      task(three, { params: ['x', 'y', 'z'] }),
      [],
      {},
      "kuma.add() missing 3 required positional arguments: 'x', 'y', and 'z'",
    ],
    ['a gap', task(three, { params: ['x', 'y', 'z'] }), [], { x: 1, z: 3 }, "kuma.add() missing 1 required positional argument: 'y'"],
    [
      'missing without names',
      task(two),
      [2],
      {},
      "kuma.add() missing 1 required positional argument (one that may be left out needs a default value, or its name in params: 'y?')",
    ],
    ['an unknown name', task(two, { params: ['x', 'y'] }), [1, 2], { q: 3 }, "kuma.add() got an unexpected keyword argument 'q'"],
    ['the same twice', task(two, { params: ['x', 'y'] }), [1], { x: 2 }, "kuma.add() got multiple values for argument 'x'"],
    ['too many', task(two, { params: ['x', 'y'] }), [1, 2, 3], {}, 'kuma.add() takes 2 positional arguments but 3 were given'],
    ['too many for one', task((x: number) => x, { params: ['x'] }), [1, 2], {}, 'kuma.add() takes 1 positional argument but 2 were given'],
    [
      'too many with defaults',
      task(withDefault, { params: ['x', 'y'] }),
      [1, 2, 3],
      {},
      'kuma.add() takes from 1 to 2 positional arguments but 3 were given',
    ],
  ]
  for (const [what, definition, args, kwargs, message] of cases) {
    it(`refuses ${what} in Python's words, as a TypeError`, async () => {
      const error = await failureOf(() => bindArguments(definition, args, kwargs))

      expect(error.message).to.equal(message)
      expect(toWireError(error, null)).to.deep.equal({ type: 'TypeError', module: 'builtins', message: [message], traceback: null })
    })
  }

  it('reads no inherited name as a parameter, and no parameter from a prototype', async () => {
    const definition = task((a: unknown, b: unknown) => [a, b], { params: ['constructor', 'toString'] })

    expect((await failureOf(() => bindArguments(definition, [], {}))).message).to.contain(
      "missing 2 required positional arguments: 'constructor' and 'toString'",
    )
  })

  it('binds every way of splitting arguments into positional and keyword ones alike', () => {
    const params = ['a', 'b', 'c', 'd']
    const definition = task((_a: never, _b: never, _c: never, _d: never) => {}, { params })
    fc.assert(
      fc.property(fc.tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer()), fc.integer({ min: 0, max: 4 }), (values, split) => {
        const kwargs = Object.fromEntries(params.slice(split).map((name, at) => [name, values[split + at]]))

        expect(bindArguments(definition, values.slice(0, split), kwargs)).to.deep.equal(values)
      }),
    )
  })
})

describe('validating arguments', () => {
  it('does nothing, and waits for nothing, when the task has no schema', () => {
    const args = [1, 2]

    expect(validateArguments(task(two), args)).to.equal(args)
  })

  it('gives the handler what the schema makes of them', () => {
    const definition = task((_when: Date) => {}, { schema: z.tuple([z.coerce.date()]) })

    expect(validateArguments(definition, ['2026-01-02T00:00:00Z'])).to.deep.equal([new Date('2026-01-02T00:00:00Z')])
  })

  it('waits for a schema that has to look something up', async () => {
    const definition = task((_x: number) => {}, { schema: z.tuple([z.number().refine(async (x) => x > 0, 'not positive')]) })

    expect(await validateArguments(definition, [1])).to.deep.equal([1])
    expect((await failureOf(async () => validateArguments(definition, [-1]))).message).to.contain('not positive')
  })

  it('says where an argument is wrong, by the name of its parameter', async () => {
    const schema = z.tuple([z.number(), z.object({ to: z.string() })])
    const named = task((_n: number, _mail: object) => {}, { schema, params: ['count', 'mail'] })
    const unnamed = task((_n: number, _mail: object) => {}, { schema })

    expect((await failureOf(() => validateArguments(named, [1, { to: 5 }]))).message).to.match(
      /^kuma\.add\(\) got wrong arguments: mail\.to: /,
    )
    expect((await failureOf(() => validateArguments(unnamed, ['x', { to: 'y' }]))).message).to.match(/: argument 1: /)
  })
})

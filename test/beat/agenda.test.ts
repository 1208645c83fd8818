import { expect } from 'chai'
import fc from 'fast-check'
import { Agenda } from '../../src/beat/agenda.js'

type Step =
  | { readonly set: string; readonly at: number }
  | { readonly delete: string }
  | { readonly takeDue: number; readonly max: number }
  | 'clear'

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const at = fc.integer({ min: 0, max: 20 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ set: name, at }) },
  { weight: 2, arbitrary: fc.record({ delete: name }) },
  { weight: 3, arbitrary: fc.record({ takeDue: at, max: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
)

describe('the agenda of a beat', () => {
  it('gives the earliest first, each name once and at its last time, whatever was set and deleted before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const agenda = new Agenda()
        const model = new Map<string, number>()

        for (const one of steps) {
          if (one === 'clear') {
            agenda.clear()
            model.clear()
          } else if ('set' in one) {
            agenda.set(one.set, one.at)
            model.set(one.set, one.at)
          } else if ('delete' in one) {
            agenda.delete(one.delete)
            model.delete(one.delete)
          } else {
            const taken = agenda.takeDue(one.takeDue, one.max)
            const due = [...model.values()].filter((time) => time <= one.takeDue).sort((a, b) => a - b)
            expect(taken.map((each) => model.get(each))).to.deep.equal(due.slice(0, one.max))
            for (const each of taken) model.delete(each)
          }
          expect(agenda.next).to.equal(model.size === 0 ? null : Math.min(...model.values()))
        }
      }),
      { numRuns: 200 },
    )
  })
})

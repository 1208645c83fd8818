import { expect } from 'chai'
import { listOf, momentOf, objectOf, queueOf, spanOf, spanOrMomentOf, taskIdOf } from '../../src/cli/flag-values.js'

describe('the value of a flag', () => {
  it('is read as what the flag means', () => {
    expect(spanOf('countdown', '1h30m')).equal(5400)
    expect(momentOf('eta', '2030-01-02T03:04:05Z')).deep.equal(new Date('2030-01-02T03:04:05Z'))
    expect(spanOrMomentOf('expires', '90')).equal(90)
    expect(spanOrMomentOf('expires', '2030-01-02')).deep.equal(new Date('2030-01-02T00:00:00Z'))
    expect(listOf('args', '[1, "x", 12345678901234567890]')).deep.equal([1, 'x', 12345678901234567890n])
    expect(objectOf('kwargs', '{"x": {"y": null}}')).deep.equal({ x: { y: null } })
    expect(queueOf('queue', 'büro post')).equal('büro post')
    expect(taskIdOf('task-id', 'order-1')).equal('order-1')
  })

  const wrong: [read: (flag: string, text: string) => unknown, text: string][] = [
    [spanOf, '-1'],
    [spanOf, ''],
    [momentOf, '2030-02-30'],
    [momentOf, '5m'],
    [spanOrMomentOf, 'soon'],
    [listOf, '{}'],
    [listOf, '[1,'],
    [objectOf, '[]'],
    [objectOf, 'null'],
    [queueOf, ''],
    [queueOf, ' mail'],
    [queueOf, 'ma\x1bil'],
    [taskIdOf, 'a b'],
    [taskIdOf, '../x'],
  ]
  for (const [read, text] of wrong) {
    it(`is refused with the flag's name and what would be right: ${read.name} ${JSON.stringify(text)}`, () => {
      expect(() => read('flag', text))
        .throw(/^--flag /)
        .include({ code: 'E_USAGE' })
        .property('hint')
        .match(/^Give /)
    })
  }
})

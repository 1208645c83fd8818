import { expect } from 'chai'
import fc from 'fast-check'
import { maskText, maskUrl } from '../src/mask.js'

describe('masking URLs', () => {
  const cases: [url: string, masked: string][] = [
    ['redis://localhost:6379/0', 'redis://localhost:6379/0'],
    ['redis://user@h/0', 'redis://user@h/0'],
    ['redis://:secret@h:6379/0', 'redis://:********@h:6379/0'],
    ['amqp://user:secret@h/vhost', 'amqp://user:********@h/vhost'],
    ['redis://u:p@ss/w:rd@h/0', 'redis://u:********@h/0'],
    ['redis://h/0?password=secret&db=1', 'redis://h/0?password=********&db=1'],
    ['redis://h/0?ssl_key_password=a%20b', 'redis://h/0?ssl_key_password=********'],
    ['sentinel://:a@h1;sentinel://:b@h2', 'sentinel://:********@h1;sentinel://:********@h2'],
    ['redis://h:6379/0?client=a@b', 'redis://h:6379/0?client=a@b'],
    ['redis://u:se?cr;et@h/0', 'redis://u:********@h/0'],
    ['sqlite:.tasks/tasks.db', 'sqlite:.tasks/tasks.db'],
    ['sqlite:/srv/@scope/a:b@c.db', 'sqlite:/srv/@scope/a:b@c.db'],
    ['memory://', 'memory://'],
    ['user:secret@h:6379/0', 'user:********@h:6379/0'],
    ['"//user:sec@ret@h"', '"//user:********@h"'],
    ['localhost:6379/0', 'localhost:6379/0'],
  ]
  for (const [url, masked] of cases) {
    it(`shows ${url} as ${masked}`, () => {
      expect(maskUrl(url)).equal(masked)
    })
  }

  it('never shows a password, whatever it is made of', () => {
    const password = fc.stringMatching(/^[!-~]{6,20}$/).filter((one) => !/^\d+[/?]|;.*:\/\//.test(one))

    fc.assert(fc.property(password, (secret) => !maskUrl(`redis://u:${secret}@host/0`).includes(secret)))
  })

  it('finds the URLs in a text, and leaves the frames of a stack alone', () => {
    const frame = '    at run (file:///srv/a/node_modules/@oclif/core/lib/main.js:97:16)'

    expect(maskText(`connect redis://u:p@ss@h/0, then "amqp://:x@h": no\n${frame}`)).equal(
      `connect redis://u:********@h/0, then "amqp://:********@h": no\n${frame}`,
    )
  })
})

import { expect } from 'chai'
import { CallSites, callSite } from '../../src/app/call-site.js'

const sites = new CallSites(process.cwd(), (at) => at ?? 'nowhere')

function send(): string {
  return sites.of(send)
}

/** The line of the caller, as a stack trace gives it. */
function lineHere(): number {
  return Number(/:(\d+):\d+\)?$/.exec((new Error().stack ?? '').split('\n')[2] ?? '')?.[1])
}

describe('call sites', () => {
  it('name the line of the caller, relative to the working directory', () => {
    const [site, line] = [send(), lineHere()]

    expect(site).to.equal(`test/app/call-site.test.ts:${line}`)
  })

  it('tell two calls apart, and name one line alike each time', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 3; i++) seen.add(send())
    seen.add(send())

    expect(seen.size).to.equal(2)
  })

  it('look past native frames', () => {
    const [[site], line] = [[1].map(send), lineHere()]

    expect(site).to.equal(`test/app/call-site.test.ts:${line}`)
  })

  it('say so when nobody of the program called', async () => {
    const site = await new Promise((resolve) => {
      setImmediate(function timed() {
        resolve(sites.of(timed))
      })
    })

    expect(site).to.equal('nowhere')
  })

  it('keep the absolute path of a file outside the working directory', () => {
    const elsewhere = new CallSites('/somewhere/else', (at) => at ?? 'nowhere')
    function sendElsewhere(): string {
      return elsewhere.of(sendElsewhere)
    }

    expect(sendElsewhere()).to.match(/^\/.*\/test\/app\/call-site\.test\.ts:\d+$/)
  })

  it('leave the stack traces of the program as they were', () => {
    const { stackTraceLimit, prepareStackTrace } = Error

    send()

    expect(Error.stackTraceLimit).to.equal(stackTraceLimit)
    expect(Error.prepareStackTrace).to.equal(prepareStackTrace)
    expect(new Error('x').stack).to.contain('call-site.test.ts')
  })

  it('can be asked for once, without keeping anything', () => {
    function register(): string | null {
      return callSite(register)
    }
    const [site, line] = [register(), lineHere()]

    expect(site).to.equal(`test/app/call-site.test.ts:${line}`)
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'

const SCRIPTS = ['src/broker/redis/scripts', 'src/results/redis/scripts'].flatMap((folder) =>
  readdirSync(folder).map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') })),
)

describe('the probe of rights on Redis', () => {
  it('tries every command that a script calls', () => {
    const probe = SCRIPTS.find(({ name }) => name === 'probe.lua')?.text ?? ''
    const tried = new Set(matches(probe, /(?:\{ |needs\(|refused\()'([A-Z]+)'/g))
    const others = SCRIPTS.filter(({ name }) => name !== 'probe.lua')
    const called = others.flatMap(({ name, text }) => matches(text, /redis\.p?call\('([A-Z]+)'/g).map((command) => ({ name, command })))
    const unnamed = others.filter(({ text }) => /redis\.p?call\((?!')/.test(text)).map(({ name }) => name)

    expect(called.length).to.be.above(100)
    expect(called.filter(({ command }) => !tried.has(command))).to.deep.equal([])
    expect(unnamed).to.deep.equal(['restore-unacked.lua']) // LPUSH or RPUSH, as it is told
  })
})

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found)
}

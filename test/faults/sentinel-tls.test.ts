import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { freePort } from '../setup/free-port.js'
import { endWithUs, type Guard } from '../setup/guard.js'
import { redisServerPath } from '../setup/servers.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Sends a message and counts what waits; a process of its own, since what it trusts is said to Node when it starts. */
const CLIENT = `
  import { openBroker } from './src/broker/open.ts'
  const broker = await openBroker(process.argv[1], { deadlineMs: Number(process.argv[2]) })
  try {
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const [counts] = await broker.queues.counts(['celery'])
    console.log('ready ' + counts.ready)
  } catch (error) {
    console.log(error.code + ' ' + error.message)
  }
  await broker.close()
`

describe('sentinels, and a Redis behind them, with TLS', function () {
  this.timeout(60_000)
  let folder: string
  let sentinel: number
  const processes: { readonly child: ChildProcess; readonly guard: Guard }[] = []

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), 'celerity-tls-'))
    const binary = redisServerPath()
    if (binary === undefined || !makeCertificate(folder) || !knowsTls(binary)) this.skip()
    const files = ['cert', 'key'].map((name) => join(folder, `${name}.pem`))
    const tls = (port: number) => [
      'port 0',
      `tls-port ${port}`,
      ...tlsLines(files),
      'tls-auth-clients no',
      'bind 127.0.0.1',
      `dir ${folder}`,
    ]
    const server = await freePort()
    sentinel = await freePort()
    start(binary, 'server.conf', [...tls(server), 'save ""'])
    start(binary, 'sentinel.conf', [...tls(sentinel), 'tls-replication yes', `sentinel monitor kuma 127.0.0.1 ${server} 1`], ['--sentinel'])
    await eventually(() => client(true).startsWith('ready'), 30)
  })
  after(() => {
    for (const { child, guard } of processes) {
      guard.dismiss()
      child.kill('SIGKILL')
    }
    rmSync(folder, { recursive: true, force: true })
  })

  function start(binary: string, name: string, lines: readonly string[], flags: readonly string[] = []): void {
    const file = join(folder, name)
    writeFileSync(file, `${lines.join('\n')}\n`)
    const child = spawn(binary, [file, ...flags], { stdio: 'ignore' })
    child.unref()
    processes.push({ child, guard: endWithUs(child.pid as number) })
  }

  function client(trusts: boolean, parameters = '&tls=true&sentinelTls=true', deadlineMs = 5_000): string {
    const env = { PATH: process.env['PATH'], ...(trusts && { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }) }
    const url = `sentinel://127.0.0.1:${sentinel}/0?master=kuma${parameters}`
    const args = ['--import', 'tsx', '--input-type=module', '-e', CLIENT, url, `${deadlineMs}`]
    return spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' }).stdout
  }

  it('are reached over it', () => {
    expect(client(true)).to.match(/^ready \d+/)
  })

  it('are not believed when nobody vouches for them, and not reached without it', () => {
    expect(client(false, undefined, 2_000)).to.match(/^E_BROKER_UNREACHABLE /)
    expect(client(true, '', 2_000)).to.match(/^E_BROKER_UNREACHABLE /)
  })
})

function makeCertificate(folder: string): boolean {
  const name = ['-subj', '/CN=celerity test', '-addext', 'subjectAltName=IP:127.0.0.1']
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, '-keyout', 'key.pem', '-out', 'cert.pem']
  return spawnSync('openssl', args, { cwd: folder, stdio: 'ignore' }).status === 0
}

/** It is an option of the build. */
function knowsTls(binary: string): boolean {
  // It starts with none of these, and says which line it stumbled over.
  const { stdout, stderr } = spawnSync(binary, ['--tls-port', '0', '--daemonize', 'perhaps'], { encoding: 'utf8' })
  return /daemonize/.test(stdout + stderr)
}

function tlsLines([cert, key]: readonly string[]): string[] {
  return [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${cert}`]
}

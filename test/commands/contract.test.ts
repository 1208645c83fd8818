/**
 * What scripts rely on: the names of commands, flags, aliases and arguments. It changes on purpose only: when this test fails and you meant
 * it, change the text below, and say so in CHANGELOG.md.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'

const CONTRACT = `
everywhere: --app/-A=FILE --broker/-b=URL --config=FILE --log-level/--loglevel/-l=LEVEL --no-color/-C --quiet/-q --result-backend=URL

beat
  --health-port=PORT
  --log-format=FORMAT
  --max-interval=SPAN
  --once
  --pidfile=FILE

call NAME
  --args/-a=JSON
  --countdown=SPAN
  --eta=ISO
  --expires=SPAN|ISO
  --json
  --kwargs/-k=JSON
  --priority=N
  --queue=NAME
  --task-id=ID
  --timeout=SPAN
  --wait/-w

completion SHELL
  --json

config [NAME]…
  --changed
  --json

config check
  --json

dead drop [ID]…
  --all
  --dry-run
  --json
  --queues/-Q=A,B…
  --reason=CODE
  --yes/--force/-y/-f

dead list
  --json
  --limit=N
  --queues/-Q=A,B…

dead retry [ID]…
  --all
  --dry-run
  --json
  --queues/-Q=A,B…
  --reason=CODE
  --yes/--force/-y/-f

dead show ID
  --json

demo
  --concurrency/-c=N
  --json

events
  --dump/-d
  --json
  --limit=N
  --type=A,B…

init
  --dry-run
  --json
  --language=ts|js

list
  --json

purge
  --dry-run
  --exclude-queues/-X=A,B…
  --json
  --queues/-Q=A,B…
  --yes/--force/-y/-f

queues
  --exclude-queues/-X=A,B…
  --json
  --queues/-Q=A,B…

report
  --json

result ID
  --follow/-f
  --json
  --timeout=SPAN
  --traceback
  --wait/-w

schedule add NAME
  --args/-a=JSON
  --at=ISO
  --cron=TEXT
  --disabled
  --every=SPAN
  --expires=SPAN
  --expiry=ISO
  --jitter=SPAN
  --json
  --kwargs/-k=JSON
  --misfire-limit=N
  --misfire=skip|once|all
  --overlap=allow|skip|queue-one
  --priority=N
  --queue=NAME
  --replace
  --solar=EVENT,LAT,LON
  --start=ISO
  --task=NAME
  --timezone=ZONE

schedule disable NAME…
  --json

schedule enable NAME…
  --json

schedule history NAME
  --json
  --limit=N

schedule list
  --enabled
  --json

schedule next NAME
  --after=TIME
  --json
  --number/-n=N

schedule remove NAME…
  --dry-run
  --json
  --yes/-y

schedule run NAME
  --json

schedule why-not NAME
  --at=TIME
  --json

top
  --filter=TEXT
  --interval=SPAN
  --json
  --no-ui
  --once

worker
  --beat/-B
  --concurrency/-c=N|auto
  --exclude-queues/-X=A,B…
  --grace=SPAN
  --health-port=PORT
  --hostname/-n=NAME@%h
  --log-format=FORMAT
  --once
  --pidfile=FILE
  --prefetch-multiplier=N|auto
  --purge/--discard
  --queues/-Q=A,B…
  --soft-time-limit=SPAN
  --time-limit=SPAN
  --watch
`

interface Flag {
  readonly name: string
  readonly type: 'boolean' | 'option'
  readonly char?: string
  readonly charAliases?: readonly string[]
  readonly aliases?: readonly string[]
  readonly helpValue?: string
  readonly multiple?: boolean
  readonly helpGroup?: string
  readonly hidden?: boolean
}

interface Command {
  readonly aliases: readonly string[]
  readonly args: Readonly<Record<string, { readonly required?: boolean }>>
  readonly flags: Readonly<Record<string, Flag>>
  readonly strict: boolean
  readonly hidden?: boolean
}

const manifest = JSON.parse(readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as {
  readonly commands: Readonly<Record<string, Command>>
}

describe('the contract of the command line', () => {
  it('is what it was', () => {
    expect(contract(manifest.commands)).equal(CONTRACT)
  })

  it('has no flag that hides another', () => {
    for (const [id, { flags }] of Object.entries(manifest.commands)) {
      const spelt = Object.values(flags).flatMap(spellings)
      expect(
        spelt.filter((one, at) => spelt.indexOf(one) !== at),
        id,
      ).deep.equal([])
    }
  })
})

/** One line a command; the flags that all have once, on top. */
function contract(commands: Readonly<Record<string, Command>>): string {
  const all = Object.values(commands)
  const isEverywhere = ({ name }: Flag) => name !== 'json' && all.every(({ flags }) => name in flags)
  const lines = Object.keys(commands)
    .sort()
    .map((id) => {
      const { flags, args, strict, aliases } = commands[id]!
      const words = Object.entries(args).map(
        ([name, { required }]) => `${required ? '' : '['}${name.toUpperCase()}${required ? '' : ']'}${strict ? '' : '…'}`,
      )
      const own = Object.values(flags).filter((flag) => !isEverywhere(flag))
      return [
        [id.replaceAll(':', ' '), ...aliases, ...words].join(' '),
        ...own
          .map(flagText)
          .sort()
          .map((flag) => `  ${flag}`),
      ].join('\n')
    })
  const shared = Object.values(all[0]!.flags).filter(isEverywhere)
  return `\neverywhere: ${shared.map(flagText).sort().join(' ')}\n${lines.map((line) => `\n${line}\n`).join('')}`
}

const flagText = (flag: Flag) =>
  spellings(flag).join('/') + (flag.type === 'option' ? `=${flag.helpValue ?? ''}${flag.multiple ? '…' : ''}` : '')

function spellings({ name, char, charAliases = [], aliases = [] }: Flag): readonly string[] {
  return [
    ...[name, ...aliases].map((one) => `--${one}`),
    ...[char, ...charAliases].flatMap((one) => (one === undefined ? [] : [`-${one}`])),
  ]
}

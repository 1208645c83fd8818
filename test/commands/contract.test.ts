/**
 * What scripts rely on: the names of commands, flags, aliases and arguments. It changes on purpose only: when this test fails and you meant
 * it, change the text below, and say so in CHANGELOG.md.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'

const CONTRACT = `
everywhere: --app/-A=FILE --broker/-b=URL --config=FILE --log-level/--loglevel/-l=LEVEL --no-color/-C --quiet/-q --result-backend=URL
asking: --destination/-d=A,B… --json/-j --pattern=GLOB --regex=REGEX --timeout/-t=SPAN

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

control add-consumer or add_consumer QUEUE [EXCHANGE] [TYPE] [ROUTING-KEY]
  (asking)

control autoscale MAX [MIN]
  (asking)

control cancel-consumer or cancel_consumer QUEUE
  (asking)

control disable-events or disable_events
  (asking)

control enable-events or enable_events
  (asking)

control heartbeat
  (asking)

control pool-grow or pool_grow [NUMBER]
  (asking)

control pool-restart or pool_restart
  (asking)

control pool-shrink or pool_shrink [NUMBER]
  (asking)

control rate-limit or rate_limit TASK RATE
  (asking)

control revoke ID…
  (asking)
  --signal=NAME
  --terminate

control revoke-by-stamped-headers or revoke_by_stamped_headers STAMP…
  (asking)
  --signal=NAME
  --terminate

control shutdown
  (asking)
  --yes/--force/-y/-f

control time-limit or time_limit TASK SOFT [HARD]
  (asking)

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

history
  --errors
  --json
  --limit=N
  --search=TEXT
  --since=SPAN|ISO
  --slowest
  --state/-s=A,B…
  --store=URL
  --task/-t=A,B…
  --until=SPAN|ISO
  --worker/-w=A,B…

init
  --dry-run
  --json
  --language=ts|js

inspect active
  (asking)

inspect active-queues or active_queues
  (asking)

inspect clock
  (asking)

inspect conf
  (asking)
  --defaults

inspect memory or memsample
  (asking)

inspect ping
  (asking)

inspect query-task or query_task ID…
  (asking)

inspect registered [ATTRIBUTE]…
  (asking)

inspect report
  (asking)

inspect reserved
  (asking)

inspect revoked
  (asking)

inspect scheduled
  (asking)

inspect stats
  (asking)

list
  --json

monitor
  --expire-error=SPAN
  --expire-pending=SPAN
  --expire-success=SPAN
  --freq/--frequency/-F=SPAN
  --health-port=PORT
  --log-format=FORMAT
  --max-rate/--maxrate/-r=RATE
  --once
  --pidfile=FILE
  --store=URL

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

show ID
  --json

status
  (asking)

top
  --filter=TEXT
  --interval=SPAN
  --json
  --no-ui
  --once

worker
  --autoscale=MAX,MIN
  --beat/-B
  --concurrency/-c=N|auto
  --events/--task-events/-E
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
  --restart
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
  readonly hiddenAliases: readonly string[]
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

/** One line a command; the flags that all have once, on top, and then those that all have that ask workers. */
function contract(commands: Readonly<Record<string, Command>>): string {
  const all = Object.values(commands)
  const asking = all.filter(isAsking)
  const isEverywhere = ({ name }: Flag) => name !== 'json' && all.every(({ flags }) => name in flags)
  const isOfAsking = (flag: Flag) => !isEverywhere(flag) && asking.every(({ flags }) => flag.name in flags)
  const lines = Object.keys(commands)
    .sort()
    .map((id) => {
      const { flags, args, strict, aliases, hiddenAliases } = commands[id]!
      const words = Object.entries(args).map(
        ([name, { required }]) => `${required ? '' : '['}${name.toUpperCase()}${required ? '' : ']'}${strict ? '' : '…'}`,
      )
      const own = Object.values(flags).filter((flag) => !isEverywhere(flag) && !(isAsking(commands[id]!) && isOfAsking(flag)))
      const others = hiddenAliases.map((alias) => `or ${alias.split(':').at(-1)}`)
      return [
        [id.replaceAll(':', ' '), ...others, ...aliases, ...words].join(' '),
        ...(isAsking(commands[id]!) ? ['  (asking)'] : []),
        ...own
          .map(flagText)
          .sort()
          .map((flag) => `  ${flag}`),
      ].join('\n')
    })
  const shared = Object.values(all[0]!.flags).filter(isEverywhere)
  const askers = Object.values(asking[0]!.flags).filter(isOfAsking)
  const top = `everywhere: ${shared.map(flagText).sort().join(' ')}\nasking: ${askers.map(flagText).sort().join(' ')}`
  return `\n${top}\n${lines.map((line) => `\n${line}\n`).join('')}`
}

const isAsking = ({ flags }: Command) => 'destination' in flags

const flagText = (flag: Flag) =>
  spellings(flag).join('/') + (flag.type === 'option' ? `=${flag.helpValue ?? ''}${flag.multiple ? '…' : ''}` : '')

function spellings({ name, char, charAliases = [], aliases = [] }: Flag): readonly string[] {
  return [
    ...[name, ...aliases].map((one) => `--${one}`),
    ...[char, ...charAliases].flatMap((one) => (one === undefined ? [] : [`-${one}`])),
  ]
}

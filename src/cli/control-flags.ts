/** Flags and arguments of `inspect` and `control`, made of the one list of commands (control/commands.ts). */
import type { Interfaces } from '@oclif/core'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { aliasesOf, type ControlCommandName, controlCommand } from '../control/commands.js'

/** Whom to ask, and how long. */
export const AUDIENCE_FLAGS = {
  destination: Flags.string({ char: 'd', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'only these workers' }),
  pattern: Flags.string({ helpValue: 'GLOB', summary: 'only workers so called: celery@web-*', exclusive: ['destination', 'regex'] }),
  regex: Flags.string({ helpValue: 'REGEX', summary: 'only workers whose name begins so', exclusive: ['destination'] }),
  json: Flags.boolean({ char: 'j', helpGroup: 'GLOBAL', summary: 'one document: what each worker said, by its name' }), // -j is Celery's
  timeout: Flags.string({ char: 't', helpValue: 'SPAN', default: '1', summary: 'longest silence until no more answers are expected' }),
}

/** What a command of that name says of itself to oclif. */
export function controlStatics(name: ControlCommandName) {
  const { kind, summary, parameters } = controlCommand(name)
  const args: Record<string, Interfaces.Arg<string | undefined>> = {}
  const flags: Record<string, Interfaces.OptionFlag<string | undefined> | Interfaces.BooleanFlag<boolean>> = {}
  for (const { name: called, as, summary: text, isRequired = false, helpValue, needs } of parameters) {
    const dependsOn = needs === undefined ? [] : [needs]
    if (as === 'switch') flags[called] = Flags.boolean<boolean>({ summary: text, dependsOn })
    else if (as === 'flag') flags[called] = Flags.string({ summary: text, helpValue: helpValue ?? 'VALUE', dependsOn })
    else args[called] = Args.string({ description: text, required: isRequired, ignoreStdin: true })
  }
  return {
    summary,
    args,
    flags: { ...flags, ...AUDIENCE_FLAGS },
    /** Celery's spellings. */
    aliases: aliasesOf(name).map((alias) => `${kind}:${alias}`),
    /** Whether there is an end to its words. */
    strict: parameters.every(({ as }) => as !== 'words'),
  }
}

import { BaseCommand } from '../src/cli/base-command.js'
import { word } from '../src/cli/flags.js'
import { namesOf, selectQueues } from '../src/cli/queue-selection.js'
import { gatherStory } from '../src/cli/story/gather.js'
import { storyText } from '../src/cli/story/story-text.js'
import type { TaskStory } from '../src/cli/story/task-story.js'
import { CelerityError, isCelerityError } from '../src/errors.js'

export default class Show extends BaseCommand<typeof Show> {
  static override summary = 'The whole story of one task'
  static override description = [
    'Put together from its result, what the monitor captured, and its message at the broker: who sent it and from where, its tries and errors,',
    'how long it waited and ran, what it sent, and the command to run next. Exit code 3 when nobody knows the id.',
  ].join(' ')
  static override examples = ['<%= config.bin %> show 3b0c0d5e-…', '<%= config.bin %> show 3b0c0d5e-… --json']
  static override args = { id: word('id of the task') }

  async run(): Promise<TaskStory> {
    const { id } = this.args
    const settings = await this.settings()
    const told = new Set<string>()
    const story = await gatherStory(id, {
      broker: () => this.broker(),
      queues: async (broker) => selectQueues(broker, await this.client(), settings, { queues: namesOf(undefined) }),
      results: () => this.results().catch(unlessDisabled),
      snapshots: () => this.snapshots(),
      absent: (who, why) => {
        if (told.has(who)) return
        told.add(who)
        this.caution(`${who} could not be asked: ${why}`)
      },
    })
    if (story === null) {
      const hint = 'Its result may have expired; `tasks monitor` keeps what happened, `tasks history --search` looks through it.'
      throw new CelerityError('E_NOT_FOUND', { message: `Nobody knows a task ${id}`, hint })
    }
    return this.show(story, storyText)
  }
}

function unlessDisabled(error: unknown): null {
  if (isCelerityError(error) && error.code === 'E_RESULTS_DISABLED') return null
  throw error
}

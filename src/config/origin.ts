/** Where a value came from, and in which order sources win. */
import type { SettingName } from './schema.js'

export type Origin =
  /** `name` with its dashes: `--broker`. */
  | { readonly layer: 'flag'; readonly name: string }
  | { readonly layer: 'environment'; readonly name: string }
  | { readonly layer: 'file'; readonly path: string; readonly key: string }
  /** The second argument of `new Celerity`. */
  | { readonly layer: 'code'; readonly key: string }
  | { readonly layer: 'default' }
  /** Not set anywhere, and taken from another setting. */
  | { readonly layer: 'derived'; readonly from: SettingName }

/** The origin in a few words. */
export function originText(origin: Origin): string {
  switch (origin.layer) {
    case 'flag':
      return origin.name
    case 'environment':
      return `${origin.name} in the environment`
    case 'file':
      return `${origin.key} in ${origin.path}`
    case 'code':
      return `${origin.key} in new Celerity(…)`
    case 'default':
      return 'default'
    case 'derived':
      return `as ${origin.from}`
  }
}

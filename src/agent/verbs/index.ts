import type { Actual } from '../../core/volume/actual.ts'
import type { Verb } from '../../core/volume/decide.ts'
import { adopt } from './adopt.ts'
import { checkRemoval } from './check-removal.ts'
import type { VerbContext } from './context.ts'
import { grow } from './grow.ts'
import { persist } from './persist.ts'
import { plug } from './plug.ts'
import { release } from './release.ts'
import { settle } from './settle.ts'
import { unpersist } from './unpersist.ts'
import { unplug } from './unplug.ts'

/** Every act there is. Each returns what was observed in the end, or throws a HotplugError. */
export const VERBS: Readonly<Record<Verb, (ctx: VerbContext) => Promise<Actual>>> = {
  adopt,
  'check-removal': checkRemoval,
  grow,
  persist,
  plug,
  release,
  settle,
  unpersist,
  unplug,
}

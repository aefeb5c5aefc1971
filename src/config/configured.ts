import { blotOut } from '../core/blot-out.ts'
import { layersOf, type Environment } from './load.ts'
import { OPTIONS } from './options.ts'

/** An option with the texts that hold for it, and the place that gave them. */
export interface Configured {
  readonly name: string
  readonly values: readonly string[]
  readonly from: string
}

/** Every option as it was chosen, for people: passwords are blotted out. Says nothing of whether the values are valid. */
export function configuredOptions(argv: readonly string[], env: Environment, readFile: (path: string) => string): readonly Configured[] {
  const layers = layersOf(argv, env, readFile)
  return Object.values(OPTIONS).map(({ name, defaults }) => {
    const given = layers.flatMap(layer => layer.given.get(name) ?? []).at(-1) ?? { texts: defaults, where: 'default' }
    return { name, values: given.texts.map(blotOut), from: given.where }
  })
}

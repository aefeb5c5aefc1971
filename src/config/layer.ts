/** What one place gave for an option, with words that lead a person to that place. */
export interface Given {
  readonly texts: readonly string[]
  /** `config.yaml:3:12: key state-dir`, `variable HOTPLUGD_STATE_DIR`, `flag --state-dir`. */
  readonly where: string
}

/** What one place (file, environment, flags) says: values by option name, and everything wrong with it. */
export interface Layer {
  readonly given: ReadonlyMap<string, Given>
  readonly problems: readonly string[]
}

export const EMPTY_LAYER: Layer = { given: new Map(), problems: [] }

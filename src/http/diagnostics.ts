/** What the daemon around the engine can be asked and told while it runs. */
export interface Diagnostics {
  readonly level: LevelSwitch
  /** The last lines of the log, oldest first; bounded. */
  recentLog(): readonly string[]
  /** Every option with its value and where that came from; passwords are blotted out. */
  readonly configuration: readonly ConfiguredOption[]
  readonly process: ProcessFacts
}

/** How much is logged. */
export interface LevelSwitch {
  /** All that can be chosen, the most talkative first. */
  readonly words: readonly string[]
  current(): string
  /** `level` is one of the words. */
  choose(level: string): void
}

export interface ConfiguredOption {
  /** As in flags and in the file: `state-dir`. */
  readonly name: string
  readonly values: readonly string[]
  /** `default`, `flag --state-dir`, `variable HOTPLUGD_STATE_DIR`, `config.yaml:3:12: key state-dir`. */
  readonly from: string
}

export interface ProcessFacts {
  readonly pid: number
  readonly version: string
  readonly mode: string
  /** What people call this node. */
  readonly nodeName: string
  /** ISO 8601 */
  readonly startedAt: string
  readonly node: string
}

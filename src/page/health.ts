/** What `/readyz?verbose` says that a person should know. */
export interface Health {
  /** Keeps hotplugd from being ready. */
  readonly blocking: readonly string[]
  readonly warnings: readonly string[]
  /** Worth knowing, and in order: its role, for example. */
  readonly notes: readonly string[]
}

export function healthOf(text: string): Health {
  const told = (mark: RegExp): readonly string[] => text.split('\n').flatMap(line => mark.exec(line)?.[1] ?? [])
  return { blocking: told(/^\[-\](.*)$/), warnings: told(/^\[!\](?:[^ ]*: )?(.*)$/), notes: told(/^\[\+\]([^ ]+ ok: .*)$/) }
}

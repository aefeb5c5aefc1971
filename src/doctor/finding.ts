/** What one look has shown. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'failed'
  /** What was seen. */
  readonly evidence: string
  /** How to mend it; absent where nothing is to be mended. */
  readonly remedy?: string
}

export function ok(name: string, evidence: string): Finding {
  return { name, state: 'ok', evidence }
}

/** hotplugd works, though not as well or as safely as it could. */
export function warning(name: string, evidence: string, remedy: string): Finding {
  return { name, state: 'warning', evidence, remedy }
}

/** hotplugd cannot do its work. */
export function failed(name: string, evidence: string, remedy: string): Finding {
  return { name, state: 'failed', evidence, remedy }
}

/** The words of whatever was thrown. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

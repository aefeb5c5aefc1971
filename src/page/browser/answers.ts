import type { HistoryEntry } from '../../agent/api.ts'
import type { ProcessFacts } from '../../http/diagnostics.ts'
import type { Explanation } from '../../model/explanation.ts'
import { healthOf, type Health } from '../health.ts'
import type { VolumeView } from '../view.ts'
import { ask, askJson, explainPath, HISTORY, Unseen } from './api.ts'

const BEAT_TIMEOUT_MS = 8_000
/** A burst of changes is asked about once. */
const GATHER_MS = 300

/** What the page knows beside the VMs: it is asked for, not told. */
export class Answers {
  readonly #onNews: () => void
  readonly #explanations = new Map<string, { readonly digest: string; explanation: Explanation | null }>()
  #health: Health = { blocking: [], warnings: [], notes: [] }
  #history: readonly HistoryEntry[] = []
  #about = { node: '', version: '' }
  #skewMs = 0
  #gathering = false

  constructor(onNews: () => void) {
    this.#onNews = onNews
  }

  get health(): Health {
    return this.#health
  }

  get history(): readonly HistoryEntry[] {
    return this.#history
  }

  get about(): { readonly node: string; readonly version: string } {
    return this.#about
  }

  /** The daemon's clock, by which all its times are. */
  nowMs(): number {
    return Date.now() + this.#skewMs
  }

  explanationOf({ key }: VolumeView): Explanation | null {
    return this.#explanations.get(key)?.explanation ?? null
  }

  /** Asks for the explanations of these volumes that are not known, or are older than the volume's status; forgets all others. */
  explain(volumes: readonly VolumeView[]): void {
    const keys = new Set(volumes.map(({ key }) => key))
    for (const key of this.#explanations.keys()) if (!keys.has(key)) this.#explanations.delete(key)
    for (const volume of volumes) {
      const digest = JSON.stringify([volume.reason, volume.cause, volume.since, volume.lane])
      if (this.#explanations.get(volume.key)?.digest !== digest) void this.#askWhy(volume, digest)
    }
  }

  async #askWhy(volume: VolumeView, digest: string): Promise<void> {
    const entry = { digest, explanation: this.explanationOf(volume) }
    this.#explanations.set(volume.key, entry)
    const explanation = await askJson<Explanation>(explainPath(volume)).catch(() => null)
    if (explanation === null || this.#explanations.get(volume.key) !== entry) return
    entry.explanation = explanation
    this.#onNews()
  }

  /** Something changed: the history has more. */
  changed(): void {
    if (this.#gathering) return
    this.#gathering = true
    setTimeout(() => void this.#askHistory(), GATHER_MS)
  }

  async #askHistory(): Promise<void> {
    this.#gathering = false
    const answer = await askJson<{ readonly items: readonly HistoryEntry[] }>(HISTORY).catch(() => null)
    if (answer === null) return
    this.#history = answer.items
    this.#onNews()
  }

  async askAbout(): Promise<void> {
    const { version, nodeName, mode } = await askJson<ProcessFacts>('/debug/process')
    this.#about = { node: nodeName, version: `${version}, ${mode} mode` }
    this.#onNews()
  }

  /** Whether hotplugd is there and in order; tries the explanations that are shown anew. Throws Unseen. */
  async beat(): Promise<void> {
    const answer = await ask('/readyz?verbose', AbortSignal.timeout(BEAT_TIMEOUT_MS), [200, 503])
    const text = await answer.text().catch(() => {
      throw new Unseen('no answer in time')
    })
    this.#health = healthOf(text)
    this.#skewMs = skewOf(answer)
    for (const [key, { explanation }] of this.#explanations) this.#explanations.set(key, { digest: '', explanation })
    this.#onNews()
  }
}

/** The header has whole seconds: less than two is no difference. */
function skewOf(answer: Response): number {
  const skewMs = Date.parse(answer.headers.get('date') ?? '') - Date.now()
  return Math.abs(skewMs) < 2_000 || Number.isNaN(skewMs) ? 0 : skewMs
}

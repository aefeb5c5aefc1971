import { type LibvirtHost, startLibvirtHost } from '../support/lab.ts'
import type { Figure } from './figure.ts'
import type { FigureId } from './arguments.ts'
import type { Progress } from './progress.ts'
import type { Scope } from './scope.ts'
import { startSubject, type Subject } from './subject.ts'
import { startYardstick, type Yardstick } from './yardstick.ts'

/** What every measurement is given. */
export interface Bench {
  /** The compiled yardstick. */
  readonly yardstickProgram: string
  readonly progress: Progress
  readonly quick: boolean
  readonly wanted: ReadonlySet<FigureId>
}

/** Measures one or several figures that need the same setting. What it begins belongs to the scope. */
export interface Measurement {
  readonly ids: readonly FigureId[]
  readonly title: string
  readonly measure: (bench: Bench, scope: Scope) => Promise<readonly Figure[]>
}

/** A private libvirt with the agent and the yardstick beside each other. */
export interface Setting {
  readonly host: LibvirtHost
  readonly subject: Subject
  readonly yardstick: Yardstick
}

export async function setUp({ yardstickProgram }: Bench, scope: Scope): Promise<Setting> {
  const host = await startLibvirtHost(scope)
  const yardstick = startYardstick(scope, yardstickProgram, host.uri)
  const subject = await startSubject(scope, { libvirt: host.uri })
  return { host, subject, yardstick }
}

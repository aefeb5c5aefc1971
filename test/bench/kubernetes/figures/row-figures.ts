import { beyondFigure, type Figure } from '../../figure.ts'
import { median, spreadOf } from '../../statistics.ts'
import type { Kind } from '../own-disks.ts'
import type { Round } from '../rounds.ts'

interface Row {
  readonly what: string
  readonly of: (round: Round) => number
  /** libvirt's own share. */
  readonly own: (round: Round) => number
  readonly beyond: number
}

const ROWS: readonly Row[] = [
  { what: 'uid → disk in domain', of: (round) => round.in.requestMs, own: ({ attachMs }) => attachMs, beyond: 8 },
  { what: 'uid → phase Ready', of: (round) => round.in.readyMs, own: ({ attachMs }) => attachMs, beyond: 20 },
  { what: 'spec → disk gone from domain', of: (round) => round.out.goneMs, own: ({ detachMs }) => detachMs, beyond: 4 },
  { what: 'spec → UnMountedFromPod', of: (round) => round.out.toldMs, own: ({ detachMs }) => detachMs, beyond: 20 },
]

/** A node's way with one volume, beside what libvirt itself takes for it in the same run. */
export function rowFigures(id: string, kind: Kind, all: readonly Round[], addition = ''): Figure[] {
  const rounds = all.filter((round) => round.kind === kind)
  return ROWS.map(({ what, of, own, beyond }) => {
    const ownMs = rounds.map(own)
    return beyondFigure({ id, what: `${what}, ${kind}${addition}, p50, n=${rounds.length}; against libvirt itself`, unit: 'ms', measured: median(rounds.map(of)), yardstick: median(ownMs), spread: spreadOf(ownMs, median), beyond })
  })
}

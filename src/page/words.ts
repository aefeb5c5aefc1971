import { printable } from '../cli/table.ts'

/** A duration of a stage, short enough for a lane: `0.2 ms`, `58 ms`, `3.4 s`, `2.1 min`. */
export function shortDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 100_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`
}

/** The command that tells the same in a terminal, safe to paste whatever the names are. */
export function explainCommand({ namespace, vm, name }: { readonly namespace: string; readonly vm: string; readonly name: string }): string {
  const where = namespace === 'default' ? '' : `-n ${quoted(namespace)} `
  const isFlagLike = vm.startsWith('-') || name.startsWith('-')
  return `hotplugctl explain ${where}${isFlagLike ? '-- ' : ''}${quoted(vm)} ${quoted(name)}`
}

function quoted(word: string): string {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", String.raw`'\''`)}'`
}

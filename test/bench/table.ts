import { type Figure, ratioOf } from './figure.ts'

const HEADS = ['id', 'what', 'measured', 'yardstick (spread)', 'ratio', 'goal', 'ok']

/** The figures for a person: a table, and below it what is to be known of each. */
export function renderTable(figures: readonly Figure[]): string {
  const rows = [HEADS, ...figures.map(cellsOf)]
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => lengthOf(row[column] ?? ''))))
  const lines = rows.map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 0)).join('  ').trimEnd())
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '))
  return `${[...lines, ...notesOf(figures)].join('\n')}\n`
}

function cellsOf(figure: Figure): string[] {
  const { id, what, unit, measured, yardstick, spread, goal, ok } = figure
  const ratio = ratioOf(figure)
  const range = spread === null ? '' : ` (${formatNumber(spread[0])}–${formatNumber(spread[1])})`
  const against = yardstick === null ? '–' : `${formatNumber(yardstick)} ${unit}`.trimEnd() + range
  return [id, what, `${formatNumber(measured)} ${unit}`.trimEnd(), against, ratio === null ? '–' : ratio.toFixed(2), goal, ok ? 'yes' : 'MISSED']
}

/** Three digits are what a noisy machine is good for. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '?'
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 100) return value.toFixed(0)
  return value.toFixed(size >= 10 ? 1 : 2)
}

function notesOf(figures: readonly Figure[]): string[] {
  const notes = figures.flatMap(({ id, notes }) => notes.map((note) => `  ${id}: ${note}`))
  return notes.length === 0 ? [] : ['', ...notes]
}

function lengthOf(text: string): number {
  return [...text].length
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(width - lengthOf(text))
}

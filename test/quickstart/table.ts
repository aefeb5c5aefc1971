/** Rows of texts in columns as wide as their widest cell; the first row is the head. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const

/** `64 MiB` */
export const formatBytes = (bytes: number): string => {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return `${+(bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`
}

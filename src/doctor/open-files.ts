import { readdirSync, readlinkSync } from 'node:fs'

/** How many files a process has open. Throws what the kernel says where it does not show what they are. */
export function openFilesOf(pid: number): number {
  const directory = `/proc/${pid}/fd`
  const numbers = readdirSync(directory)
  // Their numbers are shown to more than what is behind them, and they come and go.
  const [first = '0'] = numbers
  readlinkSync(`${directory}/${first}`)
  return numbers.length
}

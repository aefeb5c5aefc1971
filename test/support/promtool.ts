import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PROJECT } from './paths.ts'

/** Runs promtool, which judges by its exit code; resolves with what it found fault with. Empty: nothing. */
export async function promtool(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('promtool', [...args])
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), child.exitCode ?? once(child, 'close')])
  const said = `${stdout}${stderr}`.trim()
  return child.exitCode === 0 && !args.includes('metrics') ? '' : said
}

/** What is wrong with a text that Prometheus reads: by promtool's word, and by the runbook, which is to know each of hotplugd's own metrics. */
export async function metricFaults(exposition: string): Promise<string[]> {
  const judged = await promtool(['check', 'metrics'], exposition)
  const runbook = await readFile(join(PROJECT, 'docs/operations.md'), 'utf8')
  const own = [...exposition.matchAll(/^# TYPE (hotplugd_\w+) /gm)].map(([, name = '']) => name)
  const unknown = own.filter((name) => !new RegExp(`^\\|[^|]*\`${name}\``, 'm').test(runbook))
  return [...(judged === '' ? [] : [judged]), ...(own.length === 0 ? ['there is none'] : []), ...unknown.map((name) => `${name} is not in the runbook`)]
}

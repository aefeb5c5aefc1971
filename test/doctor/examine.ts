import { spawn } from 'node:child_process'
import type { DoctorReport } from '../../src/cli/commands/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { PROGRAM } from '../cli/terminal.ts'

/** What a real `hotplugctl doctor` found. */
export interface Examined {
  readonly code: number | null
  readonly findings: readonly Finding[]
  /** Those of that name, as `state: evidence`. */
  readonly of: (name: string) => string
  readonly err: string
}

/** Runs the doctor with hotplugd's flags; `under` is a command that runs it. */
export async function examine(flags: readonly string[], under: readonly string[] = []): Promise<Examined> {
  const [file = process.execPath, ...args] = [...under, process.execPath, PROGRAM, 'doctor', '-o', 'json', '--', ...flags]
  const child = spawn(file, args, { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (!out.startsWith('{')) throw new Error(`the doctor ended with ${code}: ${out}${err}`)
  const { findings } = JSON.parse(out) as DoctorReport
  return { code, findings, err, of: (name) => findings.filter((finding) => finding.name === name).map(({ state, evidence }) => `${state}: ${evidence}`).join('\n') }
}

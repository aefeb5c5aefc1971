import type { Finding } from '../../doctor/finding.ts'
import type { RunningDaemon } from '../../doctor/surroundings.ts'
import type { ConfiguredOption, ProcessFacts } from '../../http/diagnostics.ts'
import { createClient, type Client } from '../client.ts'
import { EXIT, Failure } from '../failure.ts'
import { printObject } from '../print-object.ts'
import type { Session } from '../session.ts'
import { printable } from '../table.ts'

/** What the doctor says, as an object. */
export interface DoctorReport {
  readonly kind: 'DoctorReport'
  readonly apiVersion: 'hotplugd.io/v1'
  readonly findings: readonly Finding[]
}

/** `hotplugctl doctor [--config=FILE] [-- HOTPLUGD-FLAGS]`. */
export async function doctor(session: Session): Promise<void> {
  const report = await examination(session, hotplugdFlags(session))
  const broken = report.findings.filter(({ state }) => state === 'failed').length
  if (!(await printObject(session, report))) doctorText(report.findings).forEach(session.print)
  if (broken > 0) throw new Failure(EXIT.refused, `${broken} of ${report.findings.length} checks failed`, 'Follow the remedies above, then run hotplugctl doctor again.')
}

/** Everything that is needed here, looked at; the daemon is asked if it runs. */
export async function examination(session: Session, flags: readonly string[]): Promise<DoctorReport> {
  const [{ examine }, { configurationOf, ownConfiguration }] = await Promise.all([import('../../doctor/doctor.ts'), import('../../doctor/configuration.ts')])
  const own = ownConfiguration(flags, session.env, session.text('socket'))
  const asked = await askDaemon(createClient(own.socket))
  const { config, finding } = own.isNamed || asked instanceof Failure ? own : configurationOf(asked.options)
  const told = asked instanceof Failure ? { daemon: null, silence: asked.message } : { daemon: asked.daemon, silence: '' }
  const others = config === null ? [] : await examine({ config: { ...config, socket: own.socket }, ...told })
  return { kind: 'DoctorReport', apiVersion: 'hotplugd.io/v1', findings: [finding, ...others] }
}

/** What stands behind `--`, and the file. */
export function hotplugdFlags(session: Session): readonly string[] {
  const file = session.text('config')
  return [...(file === null ? [] : ['--config', file]), ...session.positionals]
}

interface Answers {
  readonly daemon: RunningDaemon
  readonly options: readonly ConfiguredOption[]
}

/** A Failure where it does not run, or does not talk to us. */
async function askDaemon(client: Client): Promise<Answers | Failure> {
  try {
    const [{ listenerOf }, { version }, { options }, troubles] = await Promise.all([
      import('../../doctor/running-daemon.ts'), client.get<ProcessFacts>('/debug/process'), client.get<{ options: readonly ConfiguredOption[] }>('/debug/config'), client.troubles(),
    ])
    return { daemon: { pid: await listenerOf(client.socketPath), version, ...troubles }, options }
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
}

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const

/** A line or two for each finding, and their number at the end. */
export function doctorText(findings: readonly Finding[]): readonly string[] {
  const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length
  return [...findings.flatMap(linesOf), '', `${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed`]
}

function linesOf({ name, state, evidence, remedy }: Finding): readonly string[] {
  const said = `${MARKS[state]}  ${printable(name)}: ${evidence.split('\n').map(printable).join('\n           ')}`
  return remedy === undefined ? [said] : [said, `           remedy: ${printable(remedy)}`]
}

/**
 * Every reason of the catalogue (src/errors.ts), provoked through the running daemon, and the answer that a person gets.
 *
 * A case is added in the table of its surroundings: `standalone-*.ts` (a libvirt of this host and one guest), `cluster.ts`
 * (the agent on a node with a real API server), `companion.ts` (the same beside a virt-handler). Its key is the reason, its
 * value makes the cause happen, asserts what is told (`tells` for `hotplugctl explain`, `refuses` for an answer to a request),
 * and takes the cause away again. It never constructs an error, and it fakes nothing above a port: where nothing real can be
 * the cause, a failpoint below a port is (src/failpoint.ts).
 *
 * - All cases of a surrounding share one daemon and its guests, one after another: use names of your own for volumes and
 *   files, and leave nothing behind. A case that needs another daemon (other flags, its own libvirt) starts one.
 * - Assert the reason *and* its evidence: the path, the errno, the holder's name, libvirt's words.
 * - The reason must last until it was asked for. What lasts only for milliseconds is held: QEMU, or an agent with
 *   HOTPLUGD_FAILPOINT, is stopped meanwhile.
 * - `every.ts` is checked by the compiler: a reason without a case does not compile.
 */
import type { Test } from 'tap'
import { REASONS, type Reason } from '../../src/errors.ts'
import type { Explanation } from '../../src/model/explanation.ts'
import type { Daemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'

/** Makes the cause of one reason happen and asserts what is told of it. */
export type Case<Room> = (t: Test, room: Room) => Promise<void>

/** The cases of one surrounding. */
export type Cases<Room> = Partial<Record<Reason, Case<Room>>>

/** What is to be told. Remedies are the catalogue's unless the case knows a more exact one. */
export interface Told {
  /** What stopped it, as `message` says. */
  readonly cause: string | RegExp
  readonly evidence?: Readonly<Record<string, unknown>>
  /** What happens by itself. */
  readonly next?: string | RegExp
  readonly remedy?: string | RegExp
  /** @default 'vm1' */
  readonly vm?: string
}

/** What `next` says of an act that hangs. */
export const UNDER_WAY = / is under way, for [\d.]+ s\.$/
/** What `next` says of an act that fails again and again, and may be under way again just now. */
export const AGAIN = / (is tried again in [\d.]+ s, sooner if something changes|is under way, for [\d.]+ s)/

/** Runs every case of a table, one after another; with REASON=ONE,ANOTHER in the environment only those. */
export async function runCases<Room>(t: Test, cases: Cases<Room>, room: Room): Promise<void> {
  const only = process.env['REASON']
  const chosen = Object.entries(cases).filter(([reason]) => only === undefined || only.split(',').includes(reason))
  for (const [reason, provoke] of chosen) await t.test(reason, (t) => provoke(t, room))
}

/** Waits until explain names the reason, and compares the whole answer, as JSON and as `hotplugctl explain` prints it. */
export async function tells(t: Test, daemon: Daemon, volume: string, reason: Reason, { vm = 'vm1', ...told }: Told): Promise<Explanation> {
  const path = `/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/${vm}/volumes/${volume}/explain`
  const explanation = await until(`explain to say ${reason} of ${volume}`, async () => {
    const { body, text } = await daemon.call('GET', path)
    if ((body as Explanation | null)?.reason === reason) return body as Explanation
    throw new Error(text)
  })
  isWhole(t, explanation, reason, told)
  await isPrinted(t, daemon, [vm, volume], explanation)
  return explanation
}

function isWhole(t: Test, explanation: Explanation, reason: Reason, { cause, evidence = {}, next = /\w/, remedy = REASONS[reason].remedy }: Omit<Told, 'vm'>): void {
  t.match(explanation, { message: cause, remedy, next, evidence }, 'it names the true cause, and what happens next')
  t.match(explanation.since, /^\d{4}-\d\d-\d\dT/, 'since when')
  t.match(explanation.wanted, /\w/, 'what is wanted')
}

async function isPrinted(t: Test, daemon: Daemon, volume: readonly [string, string], { reason, remedy }: Explanation): Promise<void> {
  // Between two tries of an act another reason may stand there for a moment.
  const stdout = await until(`hotplugctl explain to say ${reason}`, async () => {
    const said = await daemon.ctl('explain', ...volume)
    if (said.exitCode === 0 && new RegExp(`^ {2}Reason: +${reason}$`, 'm').test(said.stdout)) return said.stdout
    throw new Error(`${said.exitCode} ${said.stdout}${said.stderr}`)
  })
  t.equal(stdout.includes(`docs/reasons.md#${reason.toLowerCase()}\n`), reason !== 'VolumeReady', 'the section of the page is named')
  t.ok(stdout.includes(remedy), `a person reads the remedy in:\n${stdout}`)
}

/** hotplugctl is refused, with the cause, the reason, and the remedy. */
export async function refuses(t: Test, daemon: Daemon, line: readonly string[], reason: Reason, { cause, remedy = REASONS[reason].remedy }: Pick<Told, 'cause' | 'remedy'>): Promise<void> {
  const { exitCode, stderr } = await daemon.ctl(...line)
  const [, words, named, todo] = /error: (.*) \((\w+)\)\n {2}remedy: (.*)\n$/.exec(stderr) ?? []
  t.not(exitCode, 0)
  t.match({ words, named, todo }, { words: cause, named: reason, todo: remedy }, `hotplugctl ${line.join(' ')}: ${stderr}`)
}

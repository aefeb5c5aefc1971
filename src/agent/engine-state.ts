import { recordOf } from '../core/volume/actual.ts'
import type { Decision } from '../core/volume/decide.ts'
import type { Agent } from './agent.ts'
import type { EngineState } from './api.ts'
import type { History } from './history.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** A state of nothing: before anything runs, and where a role has no such part. */
export const NO_STATE: EngineState = {
  role: null, cluster: null, vms: [], desired: [], actual: [], plan: [], operations: [], queues: [], journal: [], journalDoubts: [], history: [], sources: [], holders: [], connections: [],
}

/** Both worlds, what is to be done about the difference, and what was done. `nowMs` is monotonic. */
export function engineState(agent: Agent, history: History, nowMs: number): EngineState {
  const { world } = agent
  const pairs = [...world.volumes()]
  const volumes = pairs.map(([, volume]) => volume)
  return {
    role: null,
    cluster: null,
    vms: [...world.all()].map(vmState),
    desired: volumes.flatMap(({ desired }) => desired ?? []),
    actual: volumes.map(({ id, actual, trouble, persisted, placement }) => ({ id, ...actual, trouble, persisted, placement })),
    plan: pairs.map(([vm, volume]) => planState(volume, agent.decision(vm, volume), nowMs)),
    operations: volumes.flatMap(({ id, running }) => (running === null ? [] : [{ id, ...running, forMs: nowMs - running.startMs }])),
    queues: [...world.all()].flatMap(queueState),
    journal: volumes.flatMap(({ actual }) => recordOf(actual) ?? []),
    journalDoubts: agent.journalDoubts,
    history: history.all(),
    sources: agent.desired.sources(),
    holders: world.sources.holders(),
    connections: agent.inventory.connections(),
  }
}

function vmState({ key, view, reachable, unreachableBecause, held, problems }: Vm): object {
  return { vm: key, reachable, why: reachable ? '' : unreachableBecause, held, problems, domain: view ?? null }
}

/** What would be done now, beside what is being done, and what holds it back. */
function planState({ id, running, trouble }: Volume, decision: Decision, nowMs: number): object {
  const againInMs = trouble === null ? null : Math.max(0, trouble.notBeforeMs - nowMs)
  return { id, ...decision, acting: running?.verb ?? null, againInMs: againInMs === Infinity ? null : againInMs }
}

function queueState({ key, runningCount, queued }: Vm): readonly object[] {
  return runningCount === 0 && queued.size === 0 ? [] : [{ vm: key, acts: runningCount, waiting: [...queued].map(({ id }) => id) }]
}

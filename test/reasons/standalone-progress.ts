import { until } from '../support/lab.ts'
import { engineState } from '../system/fault-scene.ts'
import { plug, unplug } from '../system/user-scene.ts'
import { type Cases, tells, UNDER_WAY } from './case.ts'
import type { Standalone } from './standalone.ts'
import { stop } from './stopped.ts'

/** As many acts of one VM as are carried out at once. */
const CROWD = Array.from({ length: 16 }, (_, i) => `crowd${i}`)

/** What is no trouble. */
export const PROGRESS = {
  VolumeReady: async (t, room) => {
    await plug(room.daemon, 'vm1', 'fine', await room.image('fine'))
    await tells(t, room.daemon, 'fine', 'VolumeReady', { cause: 'Successfully attach hotplugged volume fine to VM', next: 'Nothing: all is as wanted.', evidence: { path: room.at('fine'), qemuPid: await room.guest.qemuPid() } })
    await unplug(room.daemon, 'vm1', 'fine')
  },

  Plugging: async (t, room) => {
    const goOn = stop(t, await room.guest.qemuPid())
    await room.daemon.add('vm1', 'coming', await room.image('coming'))
    await until('libvirt to be asked', async () => (await engineState(room.daemon)).journal.some(({ step }) => step === 'attaching'))
    await tells(t, room.daemon, 'coming', 'Plugging', { cause: 'Volume coming is on its way into the VM', next: UNDER_WAY, evidence: { path: room.at('coming'), lastJournalStep: 'attaching' } })
    goOn()
    await room.daemon.ready('vm1', 'coming')
    await unplug(room.daemon, 'vm1', 'coming')
  },

  Detaching: async (t, room) => {
    await plug(room.daemon, 'vm1', 'going', await room.image('going'))
    const goOn = stop(t, await room.guest.qemuPid())
    for (const name of CROWD) await room.daemon.add('vm1', name, await room.image(name))
    await until('all of them to be under way', async () => (await engineState(room.daemon)).operations.length === CROWD.length)
    await room.daemon.remove('vm1', 'going')
    await tells(t, room.daemon, 'going', 'Detaching', { cause: 'Volume going is on its way out of the VM', next: 'It is next as soon as one of the acts under way in this VM has ended.', evidence: { path: room.at('going') } })
    goOn()
    await room.daemon.gone('vm1', 'going')
    for (const name of CROWD) await room.daemon.remove('vm1', name)
    for (const name of CROWD) await room.daemon.gone('vm1', name)
  },

  VolumeReleased: async (_t, room) => {
    await plug(room.daemon, 'vm1', 'past', await room.image('past'))
    await unplug(room.daemon, 'vm1', 'past')
    const told = /"volume":"past","phase":null,"from":"Detaching","reason":"VolumeReleased","message":"Volume past has left the VM"/
    await until('the last word on it', async () => told.test(await room.daemon.log()))
  },
} satisfies Cases<Standalone>

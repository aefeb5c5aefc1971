import { rename, rm, writeFile } from 'node:fs/promises'
import { type Cases, refuses } from './case.ts'
import type { Cluster } from './cluster.ts'
import { AGENT, becomes, COMPANION, VirtHandler } from './virt-handler.ts'

const ADD = ['addvolume', 'vm1', '--volume-name=own', '--source=/dev/null'] as const

/** What hotplugd's own role is the cause of. */
export const ROLE = {
  AskTheCluster: async (t, room) => {
    await refuses(t, room.scene.daemon, ADD, 'AskTheCluster', { cause: 'volume own of vm1: in Kubernetes mode this API plugs and unplugs nothing' })
    await refuses(t, room.scene.daemon, ['removevolume', 'vm1', '--volume-name=own'], 'AskTheCluster', { cause: /volume own of vm1/ })
  },

  Synchronizing: async (t, room) => {
    const { daemon, server, directories } = room.scene
    const handler = new VirtHandler(server)
    t.teardown(() => handler.leave())
    await handler.come()
    await becomes(daemon, COMPANION)
    await rename(directories.run, `${directories.run}.kept`)
    await writeFile(directories.run, 'what is in its place keeps hotplugd from being agent again')
    t.teardown(async () => {
      await rm(directories.run)
      await rename(`${directories.run}.kept`, directories.run)
      await becomes(daemon, AGENT)
    })
    await handler.leave()
    await becomes(daemon, /^\[-\]role: .*EEXIST/m)
    await refuses(t, daemon, ADD, 'Synchronizing', { cause: /^hotplugd is changing its role: it cannot be agent yet: .*EEXIST/ })
  },
} satisfies Cases<Cluster>

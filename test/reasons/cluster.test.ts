import t from 'tap'
import { runCases } from './case.ts'
import { CLUSTER } from './cluster.ts'
import { startCluster } from './start-cluster.ts'

t.test("every reason of a cluster's node", async (t) => {
  const room = await startCluster(t)
  await runCases(t, CLUSTER, room)
  t.same(await room.vm.launcher.guest.disks(), [], 'nothing of any case is left')
})

import t from 'tap'
import { runCases } from './case.ts'
import { COMPANION } from './companion.ts'
import { startCluster } from './start-cluster.ts'
import { becomes, COMPANION as BESIDE, VirtHandler } from './virt-handler.ts'

t.test("every reason beside KubeVirt's own virt-handler", async (t) => {
  const room = await startCluster(t)
  const storages = [await room.scene.image('gone'), await room.scene.image('stays')]
  await room.scene.plug(room.vm, storages) // hotplugd itself does what virt-handler would have done
  for (const { name } of storages) await room.scene.phase(room.vm, name, 'Ready')
  await room.vm.launcher.guest.waitForDisks(['gone', 'stays'])
  await new VirtHandler(room.scene.server).come()
  await becomes(room.scene.daemon, BESIDE)
  await runCases(t, COMPANION, room)
})

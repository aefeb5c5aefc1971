import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { ctl, diskXml, makeImage } from './user-scene.ts'

const host = await startLibvirtHost(t)
const daemon = await startDaemon(t, { libvirt: host.uri })

for (const name of ['with spaces, ünïcødé', '100%2f', `'single' "double"`, '<b>&amp;', '?a=b#c', '-dash']) {
  t.test(`a VM named ${name}`, async (t) => {
    await startPausedDomain(host, { name })
    const marked = name.startsWith('-') ? ['--', name] : [name]
    await ctl(daemon, 'addvolume', '--volume-name=data', `--source=${await makeImage(t)}`, '--wait', ...marked)
    t.match(await ctl(daemon, 'explain', ...(name.startsWith('-') ? ['--', name, 'data'] : [name, 'data'])), /^data is in the guest as sda, serial data\.\n/)
    t.ok(await diskXml(host, name, 'data'))
    await ctl(daemon, 'removevolume', '--volume-name=data', '--wait', ...marked)
    t.equal(await diskXml(host, name, 'data'), null)
  })
}

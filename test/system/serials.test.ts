import t from 'tap'
import { until } from '../support/lab.ts'
import { makeImage, plug, startScene, unplug } from './user-scene.ts'

const { guest, daemon } = await startScene(t)
const image = await makeImage(t)
const longest = 'S'.repeat(36)

t.test('the default is the name of the volume', async (t) => {
  t.match(await plug(daemon, 'vm1', 'the-name', image), { serial: 'the-name' })
  t.match(await guest.waitForDisk('the-name'), { serial: 'the-name' })
  await unplug(daemon, 'vm1', 'the-name')
})

for (const serial of ['CaseKept-aBc', longest, 'a_b-c.d+e', '007', '1e3', '-', 'true', '...']) {
  t.test(`'${serial}' is kept as it is, and finds the disk in the guest`, async (t) => {
    t.match(await plug(daemon, 'vm1', 'data', image, `--serial=${serial}`), { serial })
    const { name } = await guest.waitForDisk(serial)
    const link = `readlink '/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}'`
    await until('the link by serial', async () => (await guest.shell(link)).output.trim() === `../../${name}`)
    await unplug(daemon, 'vm1', 'data')
  })
}

const REFUSED = {
  [`${longest}S`]: 'it has 37 bytes, 36 fit',
  'a,b': 'character 2 is ","',
  'a=b': 'character 2 is "="',
  'a:b': 'character 2 is ":"',
  'a b': 'character 2 is a space, which libvirt would hand on with a backslash before it',
  'ab\\': String.raw`character 3 is "\\"`,
  "'/><source file='/etc/shadow'/>": `character 1 is "'"`,
  'ä': 'character 1 is "ä"',
  'a\nb': String.raw`character 2 is "\n"`,
}
for (const [serial, cause] of Object.entries(REFUSED)) {
  t.test(`${JSON.stringify(serial)} is refused at once`, async (t) => {
    const { status, body } = await daemon.add('vm1', 'data', image, { serial })
    t.equal(status, 400)
    t.match(body, { message: `serial ${JSON.stringify(serial)}: ${cause}`, details: { causes: [{ reason: 'InvalidSerial' }, { reason: 'Remedy', message: /at most 36 bytes/ }] } })
    t.equal(await daemon.volume('vm1', 'data'), undefined)
  })
}

t.test('a name that cannot be a serial needs one of its own', async (t) => {
  const name = 'n'.repeat(37)
  t.match((await daemon.add('vm1', name, image)).body, { code: 400, message: /it has 37 bytes, 36 fit/ })
  await plug(daemon, 'vm1', name, image, '--serial=short')
  t.match(await guest.waitForDisk('short'), {})
  await unplug(daemon, 'vm1', name)
})

for (const name of ['', 'Upper', 'under_score', '-first', 'last-', 'dot.ted', 'n'.repeat(64), `x'/><alias name='ua-y`]) {
  t.test(`the name ${JSON.stringify(name)} is refused`, async (t) => {
    t.equal((await daemon.add('vm1', name, image, { serial: 's' })).status, 400)
  })
}

import tap from 'tap'
import { emptyDirMount, mountAt, parseMountinfo } from '../../../src/core/node/mountinfo.ts'

const LAUNCHER = '24f593ab-e76e-4f5d-b754-b7ebf46ace8c'
const ATTACHMENT = 'ab39c753-92c5-4249-ab87-d7187421e637'
const PLACES = ['/var/run/kubevirt/hotplug-disks', '/run/kubevirt/hotplug-disks']

/** Lines of a launcher of KubeVirt 1.9 with an image plugged into it. */
const LAUNCHER_LINES = `226 121 0:73 / / rw,relatime master:47 - overlay overlay rw,lowerdir=/data/a,upperdir=/data/b
248 226 254:0 /data/kubelet/pods/${LAUNCHER}/volumes/kubernetes.io~empty-dir/public /run/kubevirt rw,relatime - ext4 /dev/vda rw,discard
252 248 254:0 /data/kubelet/pods/${LAUNCHER}/volumes/kubernetes.io~empty-dir/hotplug-disks /run/kubevirt/hotplug-disks rw,relatime master:22 - ext4 /dev/vda rw
130 231 0:80 / /sys/firmware ro,relatime - tmpfs tmpfs ro
288 252 7:14 /disk.img /run/kubevirt/hotplug-disks/f1.img rw,relatime master:31 - ext4 /dev/loop14 rw
`

const ATTACHMENT_LINES = `389 373 254:0 /data/kubelet/pods/${ATTACHMENT}/volumes/kubernetes.io~empty-dir/hotplug-disks /path rw,relatime master:22 - ext4 /dev/vda rw
390 373 7:14 / /f1 rw,relatime - ext4 /dev/loop14 rw
`

void tap.test('the mounts of a launcher and of an attachment pod', async (t) => {
  const launcher = parseMountinfo(LAUNCHER_LINES)
  t.equal(emptyDirMount(launcher, LAUNCHER, 'hotplug-disks', PLACES)?.id, 252)
  t.equal(emptyDirMount(launcher, ATTACHMENT, 'hotplug-disks', PLACES), null, "another pod's")
  t.equal(emptyDirMount(launcher, LAUNCHER, 'hotplug-disks', ['/path']), null, 'somewhere else')
  t.match(mountAt(launcher, '/run/kubevirt/hotplug-disks/f1.img'), { id: 288, device: '7:14', root: '/disk.img', type: 'ext4' })
  const attachment = parseMountinfo(ATTACHMENT_LINES)
  t.equal(emptyDirMount(attachment, ATTACHMENT, 'hotplug-disks', ['/path'])?.id, 389)
  t.equal(mountAt(attachment, '/f1')?.id, 390)
  t.equal(mountAt(attachment, '/f2'), null)
})

void tap.test('what is mounted last covers what was there, also where it is not the wanted thing', async (t) => {
  const covered = `${LAUNCHER_LINES}300 252 0:9 / /run/kubevirt/hotplug-disks rw - tmpfs tmpfs rw\n`
  t.equal(mountAt(parseMountinfo(covered), '/run/kubevirt/hotplug-disks')?.id, 300)
  t.equal(emptyDirMount(parseMountinfo(covered), LAUNCHER, 'hotplug-disks', PLACES), null)
})

void tap.test('the pods directory may be a file system of its own, and a subvolume', async (t) => {
  const mount = (root: string): string => `1 0 8:1 ${root} /run/kubevirt/hotplug-disks rw - btrfs /dev/sda rw\n`
  const directory = `${LAUNCHER}/volumes/kubernetes.io~empty-dir/hotplug-disks`
  for (const prefix of ['/', '/@/var/lib/kubelet/pods/', '/var/lib/k0s/kubelet/pods/']) {
    t.ok(emptyDirMount(parseMountinfo(mount(prefix + directory)), LAUNCHER, 'hotplug-disks', PLACES), prefix)
  }
  t.notOk(emptyDirMount(parseMountinfo(mount(`/x${directory}`)), LAUNCHER, 'hotplug-disks', PLACES), 'a UID that only ends alike')
})

void tap.test('any number of optional fields, escaped names, and nonsense', async (t) => {
  const text = [
    '36 35 98:0 / /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue',
    String.raw`37 35 0:50 /sub\040dir /a\040b\011c\134d rw - btrfs /dev/sd\040a rw`,
    '38 35 0:51 / /x - y rw shared:3 - tmpfs tmpfs rw',
    'x 35 0:51 / /x rw - tmpfs tmpfs rw',
    '39 35 0:51 / /x rw -',
    'nonsense',
    '',
  ].join('\n')
  t.same(parseMountinfo(text).slice(0, 2), [
    { id: 36, device: '98:0', root: '/', at: '/mnt2', type: 'ext3', source: '/dev/root' },
    { id: 37, device: '0:50', root: '/sub dir', at: '/a b\tc\\d', type: 'btrfs', source: '/dev/sd a' },
  ])
  t.equal(parseMountinfo(text).length, 3)
})

void tap.test('damaged lines are never taken for something else', async (t) => {
  const good = parseMountinfo(LAUNCHER_LINES + ATTACHMENT_LINES)
  const noise = 'ab01:/ \\-\n\0~é'
  for (let round = 0; round < 20_000; round++) {
    const text = damage(LAUNCHER_LINES + ATTACHMENT_LINES, noise)
    const mounts = parseMountinfo(text)
    const found = emptyDirMount(mounts, LAUNCHER, 'hotplug-disks', PLACES)
    if (mounts.length > good.length + 3 || (found !== null && !found.root.includes(LAUNCHER))) t.fail(text)
  }
})

function damage(text: string, noise: string): string {
  const at = Math.floor(Math.random() * text.length)
  const what = noise[Math.floor(Math.random() * noise.length)] ?? ''
  const length = Math.floor(Math.random() * 20)
  return Math.random() < 0.1 ? text.slice(0, at) : text.slice(0, at) + what + text.slice(at + length)
}

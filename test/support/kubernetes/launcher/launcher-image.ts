import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, fileStamp } from '../../cache.ts'
import { qemuConf } from '../../libvirt/configuration.ts'
import { supportFile } from '../../paths.ts'
import { packImage } from '../image/image.ts'
import { USR_LINKS } from '../runc/bundle.ts'

export const LAUNCHER_IMAGE = 'localhost/hotplugd-lab/launcher:1'
export const LAUNCHER_COMMAND = ['/bin/bash', '/launcher.sh'] as const

const SCRIPT = supportFile('kubernetes/launcher/launcher.sh')

/** KubeVirt's user, and the one that Debian's libvirt wants to exist. */
const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nqemu:x:107:107::/:/usr/sbin/nologin\nlibvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n'
const GROUP = 'root:x:0:\nqemu:x:107:\nlibvirt-qemu:x:64055:\n'
const LIBVIRTD = 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0770"\nlog_level = 3\nlog_outputs = "3:stderr"\n'

/** A docker archive of a root file system without programs: the pod mounts the node's /usr over an empty one. */
export const launcherImage = async (): Promise<string> => {
  const settings = qemuConf()
  const directory = await cached('image', [LAUNCHER_IMAGE, await fileStamp(SCRIPT), settings, PASSWD, GROUP, LIBVIRTD], async (into) => {
    const tree = join(into, 'tree')
    for (const path of ['dev', 'etc/libvirt', 'proc', 'sys', 'run/libvirt', 'run/lab', 'usr', 'root', 'tmp', 'var/cache/libvirt', 'var/lib/libvirt', 'var/log/libvirt']) await mkdir(join(tree, path), { recursive: true })
    for (const path of ['tmp', 'run', 'var/log/libvirt', 'var/lib/libvirt']) await chmod(join(tree, path), 0o1777)
    for (const name of USR_LINKS) await symlink(`usr/${name}`, join(tree, name))
    await symlink('/run', join(tree, 'var/run'))
    await copyFile(SCRIPT, join(tree, 'launcher.sh'))
    for (const [name, text] of Object.entries({ passwd: PASSWD, group: GROUP, 'libvirt/libvirtd.conf': LIBVIRTD, 'libvirt/qemu.conf': settings })) await writeFile(join(tree, 'etc', name), text)
    await packImage(tree, LAUNCHER_IMAGE, join(into, 'image.tar'))
    await rm(tree, { recursive: true })
  })
  return join(directory, 'image.tar')
}

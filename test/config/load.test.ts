import t from 'tap'
import { HotplugError } from '../../src/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'

type Env = Record<string, string>

function load(argv: readonly string[], env: Env = {}, file?: string): Config {
  return loadConfig(argv, env, path => {
    if (file === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
    return file
  })
}

/** The message of the refusal, or a word that no refusal has. */
function refusal(argv: readonly string[], env: Env = {}, file?: string): string {
  try {
    load(argv, env, file)
  } catch (error) {
    if (error instanceof HotplugError && error.reason === 'ConfigInvalid') return error.message
    throw error
  }
  return 'ACCEPTED'
}

t.test('the defaults are those that the documentation promises', async t => {
  t.same(load([]), {
    mode: 'standalone',
    libvirtUris: new Map([['default', 'qemu:///system']]),
    stateDir: '/var/lib/hotplugd',
    runDir: '/run/hotplugd',
    manifestDir: '/etc/hotplugd/vms.d',
    socket: '/run/hotplugd/hotplugd.sock',
    listen: { host: '127.0.0.1', port: 9480 },
    hotplug: true,
    adminGroup: null,
    socketGroup: null,
    callDeadlineMs: 10_000,
    logLevel: 'info',
    nodeName: null,
    kubeletDir: '/var/lib/kubelet',
    kubeconfig: null,
    role: 'auto',
    kubevirtNamespace: 'kubevirt',
    sourceLostPolicy: 'Report',
    sourceLostGraceMs: 60_000,
  })
})

t.test('file < environment < flags, one option at a time', async t => {
  const file = 'state-dir: /file\nrun-dir: /file-run\nmanifest-dir: /file-manifests\nhotplug: false\n'
  const env = { HOTPLUGD_CONFIG: '/c.yaml', HOTPLUGD_RUN_DIR: '/env-run', HOTPLUGD_MANIFEST_DIR: '/env-manifests' }
  const config = load(['--manifest-dir', '/flag-manifests'], env, file)
  t.equal(config.stateDir, '/file')
  t.equal(config.runDir, '/env-run')
  t.equal(config.manifestDir, '/flag-manifests')
  t.equal(config.hotplug, false)
  t.equal(load(['--hotplug', '--config=/c'], {}, file).hotplug, true)
})

t.test('every way to write a switch', async t => {
  t.equal(load(['--no-hotplug']).hotplug, false)
  t.equal(load(['--hotplug=false']).hotplug, false)
  t.equal(load(['--hotplug=true']).hotplug, true)
  t.equal(load([], { HOTPLUGD_HOTPLUG: 'false' }).hotplug, false)
  t.match(refusal(['--hotplug=maybe']), /flag --hotplug: found 'maybe', allowed: true, false/)
  t.match(refusal(['--no-hotplug=true']), /unknown flag --no-hotplug \(did you mean --hotplug\?\)/)
  t.match(refusal(['--config=/c'], {}, 'hotplug: "false"'), /\/c:1:10: key hotplug: found string "false", allowed: true, false/)
})

t.test('libvirt URIs: a namespace stands only before the scheme', async t => {
  const embed = 'qemu:///embed?root=/x'
  const socket = 'qemu+unix:///session?socket=/proc/1/root/run/libvirt/libvirt-sock'
  t.same([...load([`--libvirt-uri=${socket}`]).libvirtUris], [['default', socket]])
  t.same([...load(['--libvirt-uri', `lab=${socket}`, '--libvirt-uri', embed]).libvirtUris], [['lab', socket], ['default', embed]])
  t.same([...load([], { HOTPLUGD_LIBVIRT_URI: ` a=${embed}  ${socket} ` }).libvirtUris], [['a', embed], ['default', socket]])
  t.same([...load(['--config=/c'], {}, `libvirt-uri:\n  - a=${embed}\n  - ${socket}\n`).libvirtUris], [['a', embed], ['default', socket]])
  t.same([...load(['--libvirt-uri=qemu:///session'], { HOTPLUGD_LIBVIRT_URI: embed }).libvirtUris], [['default', 'qemu:///session']], 'a list is replaced')
})

t.test('libvirt URIs that are refused', async t => {
  t.match(refusal(['--libvirt-uri=qemu:///system', '--libvirt-uri=qemu:///session']), /each namespace once: default is qemu:\/\/\/system/)
  t.match(refusal(['--libvirt-uri=qemu:///system', '--libvirt-uri=b=qemu:///system']), /each URI once: namespace default/)
  for (const uri of ['qemu+ssh://host/system', 'test:///default', 'qemu://host/system', '', 'A=qemu:///system', '-a=qemu:///system', 'x', 'qemu:///system?socket=/a b']) {
    t.match(refusal([`--libvirt-uri=${uri}`]), /allowed: .*URI/, uri)
  }
  t.match(refusal([`--libvirt-uri=${'n'.repeat(64)}=qemu:///system`]), /at most 63 letters/)
  t.match(refusal(['--config=/c'], {}, 'libvirt-uri: []'), /libvirt-uri: found '', allowed/)
})

t.test('listen', async t => {
  t.same(load(['--listen=[::1]:0']).listen, { host: '::1', port: 0 })
  t.same(load(['--listen=node1.example:80']).listen, { host: 'node1.example', port: 80 })
  t.equal(load(['--listen=none']).listen, null)
  for (const text of ['9480', ':9480', '127.0.0.1', '127.0.0.1:70000', '::1:9480', 'a b:1', '127.0.0.1:-1']) {
    t.match(refusal([`--listen=${text}`]), /flag --listen: found .*allowed: HOST:PORT/, text)
  }
})

t.test('paths and names', async t => {
  t.equal(load(['--state-dir=/a//b/']).stateDir, '/a/b')
  for (const path of ['state', '', './x', '/a/../b', '/a/./b']) t.match(refusal([`--state-dir=${path}`]), /allowed: an absolute path/, path)
  t.match(refusal([`--socket=/${'s'.repeat(107)}`]), /at most 107 bytes/)
  t.match(refusal(['--state-dir=/same', '--run-dir=/same']), /--run-dir and --state-dir must be different/)
  t.equal(load(['--config=/c'], {}, 'admin-group: 1234').adminGroup, '1234')
  t.match(refusal(['--admin-group=a:b']), /allowed: a group's name or number/)
  t.equal(load(['--call-deadline=1.5s']).callDeadlineMs, 1500)
  for (const text of ['10', '1ms', '1d', '-1s', '11m', '99999999999h']) t.match(refusal([`--call-deadline=${text}`]), /allowed: a duration/, text)
  t.match(refusal(['--log-level=loud']), /found 'loud', allowed: trace, debug, info/)
})

t.test('an unknown name is an error that suggests the right one, in every place', async t => {
  t.match(refusal(['--sate-dir=/x']), /unknown flag --sate-dir \(did you mean --state-dir\?\)/)
  t.match(refusal(['--stateDir', '/x']), /did you mean --state-dir\?/)
  t.match(refusal([], { HOTPLUGD_STATEDIR: '/x' }), /unknown variable HOTPLUGD_STATEDIR \(did you mean HOTPLUGD_STATE_DIR\?\)/)
  t.match(refusal(['--config=/c.yaml'], {}, 'mode: standalone\nsocketGroup: kvm\n'), /\/c\.yaml:2:1: unknown key 'socketGroup' \(did you mean socket-group\?\)/)
  t.match(refusal(['--frobnicate']), /unknown flag --frobnicate$/)
  t.match(refusal(['serve']), /unexpected argument 'serve'/)
  t.match(refusal(['-x']), /unknown flag -x/)
})

t.test('variables of others and of the tests are tolerated, empty ones are not set', async t => {
  t.equal(load([], { HOTPLUGD_FAILPOINT: 'attached:after', HOTPLUGD_STATE_DIR: '', PATH: '/bin', HOTPLUGD_SOCKET: '/s' }).socket, '/s')
})

t.test('all problems at once, each with its place', async t => {
  const message = refusal(['--config', '/c.yaml', '--lisen=x', '--state-dir'], { HOTPLUGD_LOG_LEVEL: 'x' }, 'hotplug: 1\nfoo: 2\nrun-dir: [a]\nmode:\n')
  t.match(message, /7 problems/)
  for (const part of ["1:10: key hotplug: found number 1", "2:1: unknown key 'foo'", '3:10: key run-dir: found a list', 'key mode: found nothing', 'variable HOTPLUGD_LOG_LEVEL', '--lisen (did you mean --listen?)', 'flag --state-dir needs a value']) {
    t.ok(message.includes(part), part)
  }
  t.match(refusal(['--state-dir', '--run-dir=/x']), /flag --state-dir needs a value/)
})

t.test('a wrong value is reported even where a flag overrides it', async t => {
  t.match(refusal(['--config=/c', '--log-level=info'], {}, 'log-level: loud'), /1:12: key log-level: found 'loud'/)
})

t.test('files that cannot be used', async t => {
  t.match(refusal(['--config=/c.yaml']), /\/c\.yaml: the configuration file cannot be read: ENOENT/)
  t.match(refusal(['--config=/c'], {}, 'a: b: c'), /\/c:1:4: /)
  t.match(refusal(['--config=/c'], {}, '- a\n'), /\/c:1:1: found a list, allowed: a map of options/)
  t.match(refusal(['--config=/c'], {}, 'mode: standalone\nmode: standalone\n'), /\/c:2:1: .*unique/)
  t.match(refusal(['--config=/c'], {}, 'mode: standalone\n---\nmode: standalone\n'), /\/c:2:1: .*multiple documents/i)
  t.match(refusal(['--config=/c'], {}, 'state-dir: &a /x\nrun-dir: *a\n'), /key run-dir: found an alias/)
  t.match(refusal(['--config=/c'], {}, '? [a]\n: b\n'), /\/c:1:3: unknown key/)
  t.equal(load(['--config=/c'], {}, '# nothing yet\n').mode, 'standalone')
  t.equal(load(['--config=/c'], {}, '').mode, 'standalone')
})

t.test('kubernetes mode needs to know its node', async t => {
  t.match(refusal(['--mode=kubernetes']), /--mode kubernetes needs --node-name/)
  t.match(refusal(['--mode=kubernetes', '--node-name=Node_1']), /allowed: a node's name/)
  t.match(refusal(['--mode=kube']), /allowed: standalone, kubernetes/)
})

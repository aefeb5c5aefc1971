import tap from 'tap'
import { readManifestFile, type ManifestFileReading } from '../../../src/adapters/standalone/manifest-file.ts'

const GOOD = `apiVersion: hotplugd.io/v1
kind: VirtualMachineInstance
metadata: {name: db, namespace: prod, labels: {tier: gold}}
spec:
  domain:
    devices:
      disks:
      - {name: data, disk: {bus: scsi, readonly: true}, serial: "007", cache: none, io: native, errorPolicy: stop, shareable: true}
  volumes:
  - name: data
    local: {path: /dev/vg0/data}
    persist: true
  - name: logs
    local: {path: /img/logs.qcow2, format: qcow2}
`

function read(text: string | Uint8Array): ManifestFileReading {
  return readManifestFile('/vms.d/a.yaml', typeof text === 'string' ? new TextEncoder().encode(text) : text)
}

function messages(text: string | Uint8Array): readonly string[] {
  const reading = read(text)
  return reading.valid ? [] : reading.problems.map((one) => one.message)
}

void tap.test('a good manifest', async (t) => {
  const reading = read(GOOD)
  const common = { vm: 'prod/db', origin: { kind: 'manifest', file: '/vms.d/a.yaml' }, token: '', vmUid: null }
  t.same(reading, {
    valid: true,
    manifests: [
      {
        vm: 'prod/db',
        volumes: [
          {
            ...common,
            name: 'data',
            source: { kind: 'local', path: '/dev/vg0/data', format: 'raw' },
            disk: { serial: '007', readonly: true, shareable: true, cache: 'none', io: 'native', errorPolicy: 'stop' },
            persist: true,
          },
          { ...common, name: 'logs', source: { kind: 'local', path: '/img/logs.qcow2', format: 'qcow2' }, disk: { serial: 'logs', readonly: false, shareable: false }, persist: false },
        ],
      },
    ],
  })
})

void tap.test('several documents, and JSON', async (t) => {
  const both = read(`---\n${GOOD}---\n${GOOD.replace('name: db', 'name: web')}---\n`)
  t.match(both, { valid: true, manifests: [{ vm: 'prod/db' }, { vm: 'prod/web' }] })
  t.match(messages(`${GOOD}---\n${GOOD}`), [/more than one document for the VM prod\/db/])
  const json = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'j' }, spec: { volumes: [] } }
  t.same(read(JSON.stringify(json)), { valid: true, manifests: [{ vm: 'default/j', volumes: [] }] })
})

void tap.test('an alias is what it stands for', async (t) => {
  const shared = GOOD.replace('{path: /dev/vg0/data}', '&src {path: /dev/vg0/data, typo: 1}').replace('local: {path: /img/logs.qcow2, format: qcow2}', 'local: *src')
  t.match(messages(shared)[0], /a\.yaml:11:\d+: spec\.volumes\[0\]\.local\.typo: unknown key/)
})

const FAULTS: readonly (readonly [string, string, string, RegExp])[] = [
  ['unknown key', 'persist: true', 'presist: true', /a\.yaml:12:5: spec\.volumes\[0\]\.presist: unknown key; allowed: name, local, persist/],
  ['number as serial', '"007"', '007', /a\.yaml:8:65: spec\.domain\.devices\.disks\[0\]\.serial: found the number 7, allowed: text \(put it in quotes\)/],
  ['word as flag', 'persist: true', 'persist: yes', /spec\.volumes\[0\]\.persist: found the text "yes", allowed: true or false/],
  ['bus', 'bus: scsi', 'bus: virtio', /disk\.bus: bus "virtio" is not supported, allowed: scsi/],
  ['lun', 'disk: {bus: scsi, readonly: true}', 'lun: {bus: scsi}', /disks\[0\]\.lun: lun is not supported/],
  ['cdrom', 'disk: {bus: scsi, readonly: true}', 'cdrom: {}', /cdrom is not supported/],
  ['cluster source', 'local: {path: /dev/vg0/data}', 'persistentVolumeClaim: {claimName: x}', /persistentVolumeClaim needs Kubernetes/],
  ['cache', 'cache: none', 'cache: unsafe', /cache: found the text "unsafe", allowed: none, writethrough, writeback/],
  ['io without cache none', 'cache: none', 'cache: writeback', /io native needs cache none/],
  ['format', 'format: qcow2', 'format: vmdk', /format: found the text "vmdk", allowed: raw, qcow2/],
  ['relative path', '/dev/vg0/data', 'dev/vg0/data', /a\.yaml:11:19: spec\.volumes\[0\]\.local\.path: .*is not absolute, allowed: an absolute path/],
  ['no path', '{path: /dev/vg0/data}', '{}', /spec\.volumes\[0\]\.local: path is missing/],
  ['twins', 'name: logs', 'name: data', /the name "data" is there twice/],
  ['one source twice', '/img/logs.qcow2, format: qcow2', '//dev/vg0/./data/', /source \/\/dev\/vg0\/\.\/data\/ is that of volume "data" too/],
  ['disk without volume', '{name: data, disk', '{name: date, disk', /disk "date" has no volume of that name/],
  ['serial', '"007"', '"a,b"', /character 2 is ","/],
  ['long name without serial', 'name: logs', `name: ${'l'.repeat(40)}`, /40 bytes, 36 fit \(without serial: the name is taken\)/],
  ['volume name', 'name: logs', 'name: Logs', /character 1 is "L"/],
  ['shareable qcow2', '{path: /dev/vg0/data}', '{path: /img/x, format: qcow2}', /qcow2 image cannot be shareable/],
  ['kind', 'kind: VirtualMachineInstance', 'kind: VirtualMachine', /kind: found the text "VirtualMachine", allowed: VirtualMachineInstance/],
  ['apiVersion', 'hotplugd.io/v1', 'kubevirt.io/v1alpha3', /allowed: kubevirt\.io\/v1, hotplugd\.io\/v1/],
  ['VM name', 'name: db,', 'name: a/b,', /"a\/b" cannot be a name/],
  ['key twice', '    persist: true', '    name: x', /a\.yaml:12:5: the key "name" is there twice/],
  ['volumes gone', '  volumes:', '  volumez:', /spec: volumes is missing/],
  ['tag', 'name: db', 'name: !!js/function db', /tag/i],
  ['__proto__', 'persist: true', '__proto__: {}', /__proto__: unknown key/],
  ['tab', '    persist', '\tpersist', /a\.yaml:12:/],
]

void tap.test('each fault is named with line, column and key', async (t) => {
  for (const [what, found, replacement, message] of FAULTS) {
    t.ok(GOOD.includes(found), what)
    t.match(messages(GOOD.replace(found, replacement)).join('\n'), message, what)
  }
})

void tap.test('a fault says whose it is where that can be told', async (t) => {
  t.match(read(GOOD.replace('persist: true', 'presist: true')), { valid: false, vms: ['prod/db'], problems: [{ vm: 'prod/db', reason: 'ManifestInvalid' }] })
  t.match(read(`${GOOD}---\nkind: 7\n`), { valid: false, vms: ['prod/db'] })
})

void tap.test('what is no manifest at all', async (t) => {
  const list: readonly (readonly [string | Uint8Array, RegExp])[] = [
    ['', /found no document.*delete the file/],
    ['# only a remark\n', /found no document/],
    ['---\n---\n', /found no document/],
    [Uint8Array.from([0x61, 0xff]), /not UTF-8/],
    ['\0'.repeat(4096), /allowed: a mapping/],
    ['x'.repeat(1024 * 1024 + 1), /more than 1048576 bytes/],
    ['a: &a [*a]', /unknown key/],
    ['a: *b', /a\.yaml:1:/],
    ['a: &a 1\n' + Array.from({ length: 200 }, (_, i) => `k${i}: *a\n`).join(''), /200 aliases, allowed: 100/],
  ]
  for (const [text, message] of list) t.match(messages(text).join('\n'), message)
})

void tap.test('a bomb is refused, not computed', async (t) => {
  const laughs = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`).join('\n')}`
  const deep = ['{', '[', '? ', '- ', '{a: [', '{? ', '? - '].map((one) => one.repeat(10_000))
  const many = [Array.from({ length: 20_000 }, (_, i) => `k${i}:`).join('\n'), '---\n'.repeat(20_000), 'a: 1\n---\n'.repeat(5_000)]
  for (const text of [laughs, ...deep, ...many]) {
    const found = messages(text)
    t.ok(found.length > 0 && found.length < 30, `${text.slice(0, 8)}: ${found.length} problems`)
  }
})

/** Reproducible noise. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state % below
  }
}

void tap.test('mutations are refused whole or read whole, and never throw', async (t) => {
  const pick = random(20_261_122)
  const good = new TextEncoder().encode(GOOD)
  let valid = 0
  for (let round = 0; round < 4_000; round += 1) {
    const bytes = Uint8Array.from(good)
    for (let change = pick(4) + 1; change > 0; change -= 1) bytes[pick(bytes.length)] = [pick(256), 0x3a, 0x20, 0x0a, 0x7b, 0x2d, 0x26, 0x2a, 0x22][pick(9)] ?? 0
    const reading = read(pick(3) === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes)
    valid += reading.valid ? 1 : 0
    if (reading.valid ? reading.manifests.length === 0 : reading.problems.length === 0 || 'manifests' in reading) t.fail(new TextDecoder().decode(bytes))
  }
  t.ok(valid > 0 && valid < 4_000, `${valid} of 4000 were still valid`)
})

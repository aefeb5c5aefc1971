import tap from 'tap'
import { placeOf } from '../../../src/adapters/libvirt/uri.ts'

const long = `/${'d'.repeat(110)}/sock`

void tap.test('a short socket stays in the URI', async (t) => {
  const uri = 'qemu+unix:///session?socket=/run/x/libvirt-sock'
  t.same(placeOf(uri), { uri, socketPath: '', runDirs: ['/run/x'] })
})

void tap.test('a long one is taken out, whatever stands beside it', async (t) => {
  const runDirs = [`/${'d'.repeat(110)}`]
  t.same(placeOf(`qemu:///system?socket=${long}`), { uri: 'qemu:///system', socketPath: long, runDirs })
  t.same(placeOf(`qemu:///system?mode=direct&SOCKET=${long}&x=1`), { uri: 'qemu:///system?mode=direct&x=1', socketPath: long, runDirs })
  t.same(placeOf(`qemu:///system?socket=${encodeURIComponent(long)}`), { uri: 'qemu:///system', socketPath: long, runDirs })
})

void tap.test('the length is that of the bytes', async (t) => {
  t.equal(placeOf(`qemu:///system?socket=/${'é'.repeat(53)}`).socketPath, '', '107 bytes')
  t.not(placeOf(`qemu:///system?socket=/a${'é'.repeat(53)}`).socketPath, '', '108 bytes')
})

void tap.test('where the pid files are', async (t) => {
  t.same(placeOf('qemu:///system').runDirs, ['/run/libvirt'])
  t.same(placeOf('qemu:///session', { XDG_RUNTIME_DIR: '/run/user/5' }).runDirs, ['/run/user/5/libvirt'])
  t.same(placeOf('qemu+ssh://elsewhere/system').runDirs, [], 'not on this machine')
  t.same(placeOf('test:///default').runDirs, [])
})

void tap.test('an escape that is none is taken as it is', async (t) => {
  t.same(placeOf('qemu:///system?socket=/run/100%/sock').runDirs, ['/run/100%'])
})

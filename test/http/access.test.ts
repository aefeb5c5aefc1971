import { stat } from 'node:fs/promises'
import t from 'tap'
import type { User } from './as-user.ts'
import { ask } from './ask-as-user.ts'
import { startLab } from './lab.ts'
import { runningVm, VM1 } from './samples.ts'

const SOCKET_GROUP = 61_001
const ADMIN_GROUP = 61_002
const GET = '/apis/kubevirt.io/v1/virtualmachineinstances'
const LEVEL = '/debug/log-level'
const PUT = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1/removevolume'

const nobody = (...groups: number[]): User => ({ uid: 65_534, gid: 65_534, groups })

t.test('with a socket group and an admin group', async t => {
  const lab = await startLab({ groups: { socket: SOCKET_GROUP, admin: ADMIN_GROUP } })
  t.teardown(() => lab.close())
  lab.agent.set(runningVm(VM1))
  const { mode, gid, uid } = await stat(lab.socket)
  t.same([mode & 0o777, gid, uid], [0o660, SOCKET_GROUP, 0])

  t.same((await ask(nobody(), lab.socket, 'GET', GET)).code, 'EACCES', 'the file keeps strangers out')
  t.same((await ask(nobody(ADMIN_GROUP), lab.socket, 'GET', GET)).code, 'EACCES', 'the admin group alone does not open the socket')
  t.equal((await ask(nobody(SOCKET_GROUP), lab.socket, 'GET', GET)).code, 200)
  t.equal((await ask({ uid: 65_534, gid: SOCKET_GROUP, groups: [] }, lab.socket, 'GET', GET)).code, 200, 'the primary group counts')

  const refused = await ask(nobody(SOCKET_GROUP), lab.socket, 'PUT', PUT)
  t.equal(refused.code, 403)
  t.match(JSON.parse(refused.text), {
    kind: 'Status', reason: 'Forbidden', code: 403,
    message: /only root and members of --admin-group \(gid 61002\) may change anything; uid 65534 with groups 65534, 61001 is none of these/,
    details: { causes: [{ reason: 'AccessDenied' }, { reason: 'Remedy', message: /--admin-group/ }] },
  })
  t.same(lab.agent.requests, [], 'the engine was not asked')
  t.equal((await ask(nobody(SOCKET_GROUP), lab.socket, 'GET', LEVEL)).code, 200)
  t.equal((await ask(nobody(SOCKET_GROUP), lab.socket, 'PUT', LEVEL)).code, 403, 'who may read may not change how much is logged')

  t.equal((await ask(nobody(SOCKET_GROUP, ADMIN_GROUP), lab.socket, 'PUT', PUT)).code, 202)
  t.equal((await ask({ uid: 0, gid: 65_534, groups: [] }, lab.socket, 'PUT', PUT)).code, 202, 'root needs no group')
})

t.test('with an admin group alone the socket is its own', async t => {
  const lab = await startLab({ groups: { socket: null, admin: ADMIN_GROUP } })
  t.teardown(() => lab.close())
  t.equal((await stat(lab.socket)).gid, ADMIN_GROUP)
  t.equal((await ask(nobody(ADMIN_GROUP), lab.socket, 'PUT', PUT)).code, 202)
})

t.test('without groups only root may do anything; group 0 is not root', async t => {
  const lab = await startLab()
  t.teardown(() => lab.close())
  t.equal((await ask(nobody(), lab.socket, 'GET', GET)).code, 'EACCES')
  t.equal((await ask({ uid: 65_534, gid: 0, groups: [] }, lab.socket, 'GET', GET)).code, 403, 'the file lets group 0 in, the check does not')
  t.equal((await ask({ uid: 0, gid: 0, groups: [] }, lab.socket, 'GET', GET)).code, 200)
})

t.test('whom the kernel does not name may nothing', async t => {
  const lab = await startLab({ peerOf: () => { throw new Error('getsockopt: ENOTCONN') } })
  t.teardown(() => lab.close())
  const { code, text } = await ask({ uid: 0, gid: 0, groups: [] }, lab.socket, 'GET', GET)
  t.equal(code, 403)
  t.match(JSON.parse(text).message, /the kernel does not say who is asking/)
})

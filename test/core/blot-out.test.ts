import t from 'tap'
import { BLOT, blotOut, blotOutLines, blotOutOf } from '../../src/core/blot-out.ts'

const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl'

t.test('secrets in every form that they come in', async t => {
  const forms = [
    'qemu+unix://alice:PLANTED@host/system', 'qemu:///system?password=PLANTED&socket=/run/x', `Authorization: Bearer ${JWT}`, JWT, `token: ${JWT}`, 'token: PLANTED', '    - token: PLANTED',
    `"token": "PLANTED"`, String.raw`{\"password\":\"PLANTED\"}`, `client-key-data: PLANTED==`, `<graphics type='vnc' passwd='PLANTED'/>`, `<auth username='u'><secret type='ceph' uuid='PLANTED'/></auth>`,
    '-----BEGIN PRIVATE KEY-----\nPLANTED\nPLANTED\n-----END PRIVATE KEY-----', 'API_TOKEN=PLANTED', 'export DB_PASSWORD="PLANTED PLANTED"', 'x-api-key=PLANTED', 'secret="PLANTED"', 'Basic UExBTlRFRDpQTEFOVEVE',
  ]
  for (const form of forms) {
    const left = blotOut(form)
    t.notMatch(left, /PLANTED|UExBTlRFRD|eyJ/, form)
    t.ok(left.includes(BLOT), form)
    t.equal(blotOut(left), left, 'a second time changes nothing')
  }
})

t.test('what is no secret stays as it is', async t => {
  for (const text of ['qemu+unix:///session?socket=/run/libvirt/libvirt-sock', 'https://10.0.0.1:6443/apis', 'read the token of the pod', '/dev/vg0/data', 'data of default/vm1: in 5 s', '{"level":"info","msg":"peer credentials unknown"}', '']) t.equal(blotOut(text), text)
})

t.test('in objects by the name of a field, and in lines of a log', async t => {
  t.same(blotOutOf({ token: 'PLANTED', list: [{ dbPassword: 'PLANTED', name: 'a', size: 1, none: null }], why: 'token=PLANTED' }), { token: BLOT, list: [{ dbPassword: BLOT, name: 'a', size: 1, none: null }], why: `token=${BLOT}` })
  t.equal(blotOutLines('{"token":"PLANTED","a":1}\npassword=PLANTED\n{broken token=PLANTED\n'), `{"token":"${BLOT}","a":1}\npassword=${BLOT}\n{broken token=${BLOT}\n`)
})

import tap from 'tap'
import { allowsBlock, parseDeviceRules, ruleText } from '../../../src/core/node/device-rules.ts'
import { checkPodUid } from '../../../src/core/node/pod-uid.ts'
import { HotplugError } from '../../../src/errors.ts'

/** What a launcher of KubeVirt 1.9 may use, with one disk plugged. */
const LAUNCHER = 'b *:* m\nc *:* m\nc 1:3 rw\nc 1:5 rwm\nb 7:0 rwm\nc 10:200 rw\nc 136:* rw\nc 10:232 rw\nb 7:1 rwm\n'

void tap.test('what the rules of a container allow', async (t) => {
  const rules = parseDeviceRules(LAUNCHER)
  t.equal(rules.length, 9)
  t.ok(allowsBlock(rules, '7:0') && allowsBlock(rules, '7:1'))
  t.notOk(allowsBlock(rules, '7:2'), 'making a node is not opening it')
  t.notOk(allowsBlock(rules, '1:5'), 'a character device of that number')
  t.ok(allowsBlock(parseDeviceRules('a *:* rwm\n'), '259:7'))
  t.ok(allowsBlock(parseDeviceRules('b 8:* rw\nb *:* m\n'), '8:16'), 'several rules together')
  t.notOk(allowsBlock(parseDeviceRules('b 8:* r\nb *:* m\n'), '8:16'))
  t.same(parseDeviceRules('x 1:2 r\nb 1 rw\nb 1:2 q\n\n'), [])
  t.ok(allowsBlock(parseDeviceRules(ruleText('253:9')), '253:9'))
})

void tap.test('only a UID becomes part of a path', async (t) => {
  checkPodUid('24f593ab-e76e-4f5d-b754-b7ebf46ace8c')
  for (const uid of ['', '..', '../../etc', '24f593ab-e76e-4f5d-b754-b7ebf46ace8c/..', '24f593abe76e4f5db754b7ebf46ace8c', '24F593AB-E76E-4F5D-B754-B7EBF46ACE8C', '24f593ab-e76e-4f5d-b754-b7ebf46ace8c\n']) {
    t.throws(() => checkPodUid(uid), HotplugError, JSON.stringify(uid))
  }
})

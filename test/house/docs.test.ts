import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { PROJECT } from '../support/paths.ts'

const PAGES = [...globSync('*.md', { cwd: PROJECT }), ...globSync('docs/*.md', { cwd: PROJECT })]
const { scripts, dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as Readonly<Record<'scripts' | 'dependencies', Readonly<Record<string, string>>>>

/** As the common renderers make an anchor of a heading. */
const anchor = (heading: string): string => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')

const anchors = (page: string): Set<string> => new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading)))

for (const name of PAGES) {
  const text = readFileSync(join(PROJECT, name), 'utf8')

  t.test(`${name}: what it links to is there`, async (t) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    for (const [, path = '', fragment] of links) {
      const target = path === '' ? join(PROJECT, name) : join(PROJECT, dirname(name), path)
      if (!existsSync(target)) t.fail(`${path} is not there`)
      else if (fragment !== undefined && !anchors(readFileSync(target, 'utf8')).has(fragment)) t.fail(`${path} has no heading #${fragment}`)
    }
  })

  t.test(`${name}: the tests and scripts that it names are there`, async (t) => {
    for (const [, path = ''] of text.matchAll(/`(test\/[\w./-]+\.ts)`/g)) if (!existsSync(join(PROJECT, path))) t.fail(`${path} is not there`)
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) if (scripts[script] === undefined) t.fail(`npm run ${script} is not there`)
  })
}

t.test('every runtime package has its reason', async (t) => {
  const text = readFileSync(join(PROJECT, 'docs/security.md'), 'utf8')
  const table = text.slice(text.indexOf('| runtime package |'), text.indexOf('Everything else at run time'))
  t.same([...table.matchAll(/^\| `([^`]+)` \| .{20,} \|$/gm)].map(([, name = '']) => name).sort(), Object.keys(dependencies).sort())
})

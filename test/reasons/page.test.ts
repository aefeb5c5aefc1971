import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { REASONS } from '../../src/errors.ts'
import { PROJECT } from '../support/lab.ts'

const LINES = ['Means', 'Comes about', 'By itself', 'To do']

/** The sections of the page: each reason with its lines, by their first words. */
async function sections(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const page = await readFile(join(PROJECT, 'docs/reasons.md'), 'utf8')
  const parts = page.split(/^## /m).slice(1).map((part) => part.split(/^# /m)[0] ?? '')
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), linesOf(part)]))
}

function linesOf(part: string): ReadonlyMap<string, string> {
  return new Map([...part.matchAll(/^- \*\*([^:*]+):\*\* (\S.*)$/gm)].map(([, name = '', text = '']) => [name, text]))
}

t.test('the page has a section for each reason of the catalogue, in its order, and none besides', async (t) => {
  t.same([...(await sections()).keys()], Object.keys(REASONS))
})

t.test('each says what it means, how it comes about, what happens by itself, and what to do: first the very remedy that the program tells', async (t) => {
  const told = await sections()
  for (const [reason, { remedy }] of Object.entries(REASONS)) {
    const lines = told.get(reason)
    t.same([...(lines?.keys() ?? [])], LINES, reason)
    t.equal(lines?.get('To do')?.slice(0, remedy.length), remedy, reason)
  }
})

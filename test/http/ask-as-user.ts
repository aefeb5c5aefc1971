import { spawnAs, type User } from './as-user.ts'

const CLIENT = `
const [socketPath, method, path] = process.argv.slice(1)
const request = require('node:http').request({ socketPath, path, method, headers: { 'content-type': 'application/json' } }, response => {
  let text = ''
  response.on('data', chunk => (text += chunk)).on('end', () => console.log(JSON.stringify({ code: response.statusCode, text })))
})
request.on('error', error => console.log(JSON.stringify({ code: error.code, text: '' })))
request.end(method === 'PUT' ? '{"name":"data"}' : undefined)
`

/** A request by a process of another user; a PUT is to remove the volume `data`. */
export function ask(user: User, socket: string, method: string, path: string): Promise<{ code: number | string; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawnAs(user, CLIENT, socket, method, path)
    let text = ''
    child.stdout?.on('data', chunk => (text += chunk))
    child.on('error', reject).on('close', () => resolve(JSON.parse(text)))
  })
}

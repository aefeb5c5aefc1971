#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Beside the compiled files, whoever owns those: Node's default is below /tmp, where any local user could prepare code for root.
enableCompileCache(process.env['NODE_COMPILE_CACHE'] ?? join(import.meta.dirname, '../.compile-cache'))
const { daemon } = await import('./daemon.ts')
process.exitCode = await daemon(process.argv.slice(2), process.env)

#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
enableCompileCache()
const { daemon } = await import('./daemon.ts')
process.exitCode = await daemon(process.argv.slice(2), process.env)

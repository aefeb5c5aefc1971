import type { Logger } from 'pino'
import { LOG_LEVELS } from './config/config.ts'
import type { ConfiguredOption, Diagnostics, LevelSwitch } from './http/diagnostics.ts'
import type { RecentLines } from './telemetry/recent-lines.ts'
import { VERSION } from './version.ts'

/** What this process can be asked and told, beside the engine. */
export function diagnosticsOf(parts: { readonly log: Logger; readonly lines: RecentLines; readonly configuration: readonly ConfiguredOption[]; readonly mode: string; readonly nodeName: string }): Diagnostics {
  const { log, lines, configuration, mode, nodeName } = parts
  return {
    level: levelSwitch(log),
    recentLog: () => lines.all(),
    configuration,
    process: { pid: process.pid, version: VERSION, mode, nodeName, startedAt: new Date(performance.timeOrigin).toISOString(), node: process.version },
  }
}

function levelSwitch(log: Logger): LevelSwitch {
  return {
    words: LOG_LEVELS,
    current: () => log.level,
    choose(level) {
      log.level = level
    },
  }
}

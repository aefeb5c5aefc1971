/** How the monitor begins its line. */
export const LOOP_DELAY = 'event loop delay p99, ms: '
/** Of its timer; Node counts it as delay, too. */
export const RESOLUTION_MS = 10

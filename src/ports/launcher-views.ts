/** What a launcher's hotplug directory shows from outside. Nothing is opened, nothing is changed. */
export interface LauncherViews {
  /** Which of these volumes it has: a block device node, or a mounted image. Null: it cannot be seen. */
  exposed(podUid: string, volumes: readonly string[]): Promise<ReadonlySet<string> | null>
  /** Calls back when something in it may have changed; may miss a mount. Returns what ends it. */
  watch(podUid: string, listener: () => void): () => void
}

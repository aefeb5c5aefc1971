import type { VmKey } from '../model/ids.ts'
import type { AttachmentPod, LauncherPod } from '../model/pods.ts'

/** What is proven about pods of this node: by UID, owner reference and node, never by labels. */
export interface Pods {
  /** The launcher that runs this VM here now; null: none, as far as the last complete list tells. */
  launcher(vm: VmKey): LauncherPod | null
  /** Attachment pods of that launcher that name the volume's claim, the one that the VM's status names first. */
  attachments(vm: VmKey, volume: string): readonly AttachmentPod[]
  /** Every VM with a launcher here; null before the first complete list. */
  vms(): readonly VmKey[] | null
  /** Calls back whenever the launcher of a VM has come, gone or changed, and once `vms` is known. Returns what ends it. */
  watch(listener: (vm: VmKey | null) => void): () => void
}

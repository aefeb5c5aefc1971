/** A virt-launcher pod, proven to run a VM: the VirtualMachineInstance owns it, and names it in its status. */
export interface LauncherPod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** UID of the VirtualMachineInstance that it runs. */
  readonly vmiUid: string
  /** It is being deleted, but may still run. */
  readonly terminating: boolean
}

/** An attachment pod, proven to belong to the launcher and to name the volume's claim. */
export interface AttachmentPod {
  readonly uid: string
  readonly name: string
  /** UID of the volume's claim; null where the pod does not tell. */
  readonly claimUid: string | null
  /** How the pod has the volume: as a block device, or as an image in a file system. */
  readonly volumeMode: 'Block' | 'Filesystem'
  /** Its Ready condition holds. */
  readonly ready: boolean
  /** It is being deleted, but may still run. */
  readonly terminating: boolean
}

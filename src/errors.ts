/** Whether trying again can help without anybody doing anything. `never`: only a changed wish or world helps. */
export type Retry = 'soon' | 'later' | 'never'

interface CatalogueEntry {
  /** What a person can do. */
  readonly remedy: string
  readonly retry: Retry
}

/**
 * The closed list of reasons. Every refusal, failure and wait that the program can report is one of these; each names
 * its remedy. `soon` is retried with a short backoff, `later` with a long one and on events, `never` only on a change.
 */
export const REASONS = {
  // progress, not trouble
  VolumeReady: { remedy: 'Nothing to do: the guest has the disk.', retry: 'never' },
  Plugging: { remedy: 'Nothing to do: the volume is on its way into the guest.', retry: 'never' },
  Detaching: { remedy: 'Nothing to do: the volume is on its way out of the guest.', retry: 'never' },
  VolumeReleased: { remedy: 'Nothing to do: the volume has left the guest, and nothing of it is left here.', retry: 'never' },
  Synchronizing: { remedy: 'Wait: the agent reads the state of the node before it changes anything.', retry: 'soon' },

  // the virtual machine
  VmNotFound: { remedy: 'Define the domain in libvirt (or start the VM), or correct the name: the volume is plugged when it runs.', retry: 'later' },
  VmNotRunning: { remedy: 'Start the domain: the volume is plugged when it runs.', retry: 'later' },
  VmSaved: { remedy: 'Restore the domain (virsh start): a saved domain keeps its disks and is left alone until it runs.', retry: 'later' },
  VmReplaced: { remedy: 'A domain with this name but another UUID has taken its place. Remove the volume and add it to the new domain if that is meant.', retry: 'later' },
  ProcessUnknown: { remedy: "Run hotplugd on the libvirt host itself, as root: it must see the domain's QEMU process to prove what it does.", retry: 'later' },
  NoScsiController: { remedy: "Add <controller type='scsi' model='virtio-scsi'/> to the domain's <devices> and restart the VM.", retry: 'later' },
  TransientDomain: { remedy: 'Define the domain persistently (virsh define), or leave out --persist.', retry: 'later' },
  PersistentDefinitionChanged: { remedy: 'If it is to be back there: remove the volume with --persist, and add it again with --persist.', retry: 'never' },
  DiskRemovedByOthers: { remedy: 'Somebody else took the disk out of the domain; it is plugged again.', retry: 'soon' },

  // the VirtualMachineInstance
  SourceNotHeld: { remedy: 'Nothing guarantees the volume while no attachment pod holds its claim on this node: find out who deleted the pod, and save the data of the guest, or unplug the volume.', retry: 'later' },
  StoppedForLostSource: { remedy: 'Start the VM again once its volume can be attached; sourceLostPolicy: Report leaves such a VM running.', retry: 'never' },
  VmiElsewhere: { remedy: 'Wait: the agent of the node that has the VM is in charge of its volumes now.', retry: 'later' },
  VmiUnknown: { remedy: 'Wait until the API server tells what became of the VirtualMachineInstance; nothing is changed before.', retry: 'later' },
  VmiNotRunning: { remedy: 'Start the VM: its volumes are plugged when it runs.', retry: 'later' },
  VmiInvalid: { remedy: 'Correct the VirtualMachineInstance at the place that is named; until then nothing of it is removed.', retry: 'later' },
  FeatureGateOff: { remedy: 'Switch DeclarativeHotplugVolumes or HotplugVolumes on in the KubeVirt CR (spec.configuration.developerConfiguration), or hotplug in the configuration of hotplugd where there is no KubeVirt CR.', retry: 'later' },
  MigrationUnderWay: { remedy: 'Wait: nothing is plugged or unplugged while the VM migrates.', retry: 'later' },

  // pods and the claim
  AwaitingController: { remedy: 'Wait: virt-controller makes an attachment pod for the volume. If none comes, look at its log and at the events of the VirtualMachineInstance.', retry: 'later' },
  ClaimNotReady: { remedy: 'Make the claim bind: kubectl describe pvc says what it waits for.', retry: 'later' },
  AttachmentPodNotReady: { remedy: 'Look at the pod that is named: kubectl describe pod says what it waits for.', retry: 'later' },
  AttachmentPodFailing: { remedy: 'Mend what the pod that is named stumbles over: kubectl describe pod says more.', retry: 'later' },
  LauncherNotFound: { remedy: 'Wait: the volume is plugged once the virt-launcher pod of the VM runs on this node.', retry: 'later' },

  // beside KubeVirt's own virt-handler
  CompanionRole: { remedy: "Ask the cluster (virtctl addvolume, virtctl removevolume): KubeVirt's own virt-handler plugs on this node, and hotplugd only watches.", retry: 'never' },
  AwaitingVirtHandler: { remedy: "Wait: KubeVirt's virt-handler on this node does it. If nothing happens, look at its log and at the events of the VirtualMachineInstance.", retry: 'later' },
  HeldUpByAnother: { remedy: 'Mend or remove the volume that is named: KubeVirt handles the volumes of a VM one after another and begins anew at each failure.', retry: 'later' },
  NotDeclaredHotpluggable: { remedy: 'Remove the volume, and add it with hotpluggable: true, as virtctl addvolume does.', retry: 'never' },
  ImageIsDirectory: { remedy: 'Replace the directory by a regular image file named disk.img, or remove the volume.', retry: 'later' },
  WrongKindOfDevice: { remedy: "Make volumeMode of claim and PersistentVolume fit what the storage really has, or remove the volume.", retry: 'later' },
  DiskNotListed: { remedy: "Remove the volume and add it again: somebody else took the disk out of the domain, and KubeVirt has not noticed.", retry: 'later' },
  DiskStillListed: { remedy: "Look at virt-handler's log: the disk must leave the guest before its claim may go elsewhere.", retry: 'later' },
  KubeVirtReports: { remedy: "Read KubeVirt's words; the log of its virt-handler on this node says more.", retry: 'later' },

  // the wish
  HotplugDisabled: { remedy: 'Set hotplug: true in the configuration of hotplugd and restart it.', retry: 'later' },
  InvalidRequest: { remedy: 'Correct the request.', retry: 'never' },
  InvalidName: { remedy: "Use a volume name of at most 63 lower-case letters, digits and '-', that begins and ends with a letter or digit.", retry: 'never' },
  InvalidSerial: { remedy: "Choose a serial of at most 36 bytes from letters, digits, and '_', '-', '.', '+'.", retry: 'never' },
  UnsupportedBus: { remedy: "Use bus: scsi; no other bus takes disks of a running guest away reliably.", retry: 'never' },
  UnsupportedDisk: { remedy: 'Use disk: {}; lun, cdrom and floppy are not supported.', retry: 'never' },
  AskTheCluster: { remedy: 'Ask the cluster: virtctl addvolume, virtctl removevolume, or the VirtualMachine object.', retry: 'never' },
  NameTaken: { remedy: 'Choose another volume name, or remove the volume that has it.', retry: 'never' },
  SourceTaken: { remedy: 'Choose another source, or remove the volume that has it.', retry: 'never' },
  NotHotplugged: { remedy: "Only hot-plugged volumes can be removed; change the domain's definition instead.", retry: 'never' },
  VolumeNotFound: { remedy: 'Check the name with: hotplugctl get volumes', retry: 'never' },
  OwnedByManifest: { remedy: 'Edit or delete the manifest that is named.', retry: 'never' },
  PersistRequired: { remedy: 'Say --persist to take the volume out of the persistent definition as well.', retry: 'never' },
  NotPersisted: { remedy: 'Leave out --persist: the volume is not in the persistent definition by our own record.', retry: 'never' },
  ManifestInvalid: { remedy: 'Correct the manifest at the place that is named.', retry: 'never' },
  ManifestConflict: { remedy: 'Keep only one of the two manifests, or give one volume another name.', retry: 'never' },
  ManifestsUnreadable: { remedy: 'Mend what hotplugctl get vmis warns of; until then nothing is removed.', retry: 'later' },

  // the asker
  AccessDenied: { remedy: 'Ask as root, or as a member of the group that hotplugd was given with --admin-group (to read: --socket-group).', retry: 'never' },
  TooManyRequests: { remedy: 'End some of the connections or watches of this user, then try again.', retry: 'soon' },

  // the source
  SourceMissing: { remedy: 'Create the device or image, or correct the path.', retry: 'later' },
  ImageMissing: { remedy: 'Put an image named disk.img into the directory, or name the image itself.', retry: 'later' },
  SourceNotSupported: { remedy: 'Name a block device, a regular image file, or a directory that holds disk.img.', retry: 'later' },
  SourceEmpty: { remedy: 'Give the device or image a size.', retry: 'later' },
  SourceUnreadable: { remedy: 'Mend what the error of the operating system names.', retry: 'later' },
  UnsafePath: { remedy: 'Replace the link or special file below the directory by a regular disk.img.', retry: 'later' },
  SourceInUse: { remedy: 'Remove it from the VM that holds it, or mark both disks shareable.', retry: 'later' },
  SourceInUseByHost: { remedy: 'Unmount it, or stop what the host uses it for.', retry: 'later' },
  SourceChanged: { remedy: 'The path leads to another device or file than when it was looked up; it is looked up again.', retry: 'soon' },
  ImageFormatMismatch: { remedy: 'Say the format that the image really has (--format).', retry: 'later' },
  ImageReferencesFile: { remedy: 'Flatten the image (qemu-img convert): an image that names other files is refused.', retry: 'later' },
  ExposureFailed: { remedy: 'Mend what the error of the operating system names: the source could not be brought into the launcher.', retry: 'soon' },
  ReleaseFailed: { remedy: 'Mend what the error of the operating system names: the source could not be taken out of the launcher yet.', retry: 'soon' },
  PermissionDenied: { remedy: "Enable dynamic_ownership in libvirt's qemu.conf, or give QEMU's user access to the source.", retry: 'later' },

  // libvirt and QEMU
  LibvirtUnavailable: { remedy: 'Start libvirt, or correct --libvirt-uri; in Kubernetes look at the virt-launcher pod. The agent reconnects by itself.', retry: 'soon' },
  UnknownNamespace: { remedy: 'Use a namespace that hotplugd was given with --libvirt-uri NAMESPACE=URI.', retry: 'never' },
  AttachRefused: { remedy: "Read libvirt's words; its log and the guest's QEMU log say more.", retry: 'later' },
  DetachRefused: { remedy: "Read libvirt's words; the disk stays in the guest until it can be taken out.", retry: 'later' },
  DetachPending: { remedy: 'Wait, or find out why QEMU does not answer; nothing is taken away before it lets go.', retry: 'soon' },
  StillOpen: { remedy: 'Wait: the disk left the domain, but its QEMU still has the source open.', retry: 'soon' },
  DiskMismatch: { remedy: "The domain lists another disk under this volume's alias or target; take it out by hand if it is not wanted.", retry: 'later' },
  OutcomeUncertain: { remedy: 'Wait: the call did not end in time; the live domain is read back until it is known.', retry: 'soon' },
  PersistFailed: { remedy: "Read libvirt's words; the running guest has the disk, its definition does not.", retry: 'later' },
  ResizeFailed: { remedy: "Read libvirt's words; the guest keeps the old size until it succeeds.", retry: 'later' },

  // the API server of a cluster
  ApiServerUnavailable: { remedy: 'Wait, or find out why the API server cannot be reached; what was known before goes on meanwhile.', retry: 'soon' },
  ApiUnauthorized: { remedy: "Give the agent's pod a service account token that the API server accepts, or correct the kubeconfig.", retry: 'later' },
  ApiForbidden: { remedy: "Give the agent's service account the RBAC rule that is named; the Helm chart has all of them.", retry: 'later' },
  ApiRefused: { remedy: "Read the API server's words.", retry: 'later' },

  // the agent itself
  JournalUnwritable: { remedy: 'Make the run directory writable and give it room.', retry: 'soon' },
  StateUnwritable: { remedy: 'Make the state directory writable and give it room.', retry: 'later' },
  StateReplaced: { remedy: 'Mount or restore the state directory and restart hotplugd; until then nothing is removed.', retry: 'never' },
  StateFromNewerVersion: { remedy: 'Run the newer hotplugd again, or move the state directory away.', retry: 'never' },
  NodeLocked: { remedy: 'Another hotplugd runs with this run directory; this one waits for it to end.', retry: 'soon' },
  ConfigInvalid: { remedy: 'Correct the configuration.', retry: 'never' },
  InternalError: { remedy: 'Report this as a bug, with what hotplugctl bundle packs', retry: 'later' },
} as const satisfies Record<string, CatalogueEntry>

export type Reason = keyof typeof REASONS

/** Whether a text is one of the reasons. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text)
}

/** Further facts for logs and `explain`: paths, devices, errno, libvirt's codes. */
export type Detail = Readonly<Record<string, string | number | boolean | null>>

/**
 * The one error class. `message` names the thing and the cause in plain words; the remedy comes from the catalogue
 * unless a more exact one is given.
 */
export class HotplugError extends Error {
  override readonly name = 'HotplugError'
  readonly reason: Reason
  readonly remedy: string
  readonly retry: Retry
  readonly detail: Detail

  constructor(reason: Reason, message: string, options: { remedy?: string; detail?: Detail; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.remedy = options.remedy ?? REASONS[reason].remedy
    this.retry = REASONS[reason].retry
    this.detail = options.detail ?? {}
  }
}

/** Whatever was thrown, as a HotplugError; what is not ours is an InternalError that keeps its cause. */
export function asHotplugError(error: unknown): HotplugError {
  if (error instanceof HotplugError) return error
  return new HotplugError('InternalError', error instanceof Error ? error.message : String(error), { cause: error })
}

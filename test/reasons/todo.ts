/** Reasons that no case provokes yet. The list only gets shorter; once it is empty this file goes, and with it its line in every.ts. */

/** To be had with a libvirt of this host: standalone-*.ts. */
const IN_STANDALONE = [

] as const

/** To be had with a real API server and a node: cluster.ts. */
const IN_CLUSTER = [
  'Synchronizing', 'SourceNotHeld', 'StoppedForLostSource', 'VmiElsewhere', 'VmiUnknown', 'VmiNotRunning', 'VmiInvalid', 'FeatureGateOff',
  'MigrationUnderWay', 'AwaitingController', 'ClaimNotReady', 'AttachmentPodNotReady', 'AttachmentPodFailing', 'LauncherNotFound', 'AskTheCluster',
  'ExposureFailed', 'ReleaseFailed', 'ApiServerUnavailable', 'ApiUnauthorized', 'ApiForbidden', 'ApiRefused',
] as const

/** To be had as companion: companion.ts. */
const BESIDE_VIRT_HANDLER = [
  'CompanionRole', 'AwaitingVirtHandler', 'HeldUpByAnother', 'NotDeclaredHotpluggable', 'ImageIsDirectory', 'WrongKindOfDevice', 'DiskNotListed',
  'DiskStillListed', 'KubeVirtReports',
] as const

const LIST = [...IN_STANDALONE, ...IN_CLUSTER, ...BESIDE_VIRT_HANDLER]

export const TODO = Object.fromEntries(LIST.map((reason) => [reason, 'todo'])) as Readonly<Record<(typeof LIST)[number], 'todo'>>

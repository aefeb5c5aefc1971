import { SERVICE_ADDRESS } from '../server/start-api-server.ts'
import type { NodeNetwork } from './network.ts'

/** Paths as the node has them. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock'
export const PAUSE_IMAGE = 'localhost/hotplugd-lab/pause:1'

/** `restrict_oom_score_adj`: not every machine of the lab may lower the score. */
export const containerdToml = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = "${CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`

/** A kubelet that looks after its pods only: nobody is evicted, no image removed, no firewall rule made. */
export const kubeletConfiguration = (kubeletDir: string, { nodeAddress }: NodeNetwork): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: nodeAddress,
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  clusterDNS: [SERVICE_ADDRESS], // nobody answers there, but without one every pod gets a warning
  containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
  evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' },
  failCgroupV1: false,
  failSwapOn: false,
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  makeIPTablesUtilChains: false,
  nodeStatusUpdateFrequency: '5s',
  oomScoreAdj: 0,
  podLogsDir: '/var/log/pods',
  resolvConf: '',
  shutdownGracePeriod: '0s',
  volumePluginDir: `${kubeletDir}/plugins-dir`,
})

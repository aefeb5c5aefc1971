// Sources of claims, looked up in the attachment pod that holds them.
#pragma once

#include <optional>

#include "loop.h"
#include "process-of-pod.h"
#include "sysfs.h"

namespace hotplugd {

struct PodDeviceQuestion {
  // The kubelet's directory of pods.
  std::string podsDirectory;
  std::string podUid;
  std::string volume;
  // Nothing: whatever is the only entry there.
  std::optional<std::string> claimUid;
  std::string procRoot;
  Sysfs sysfs;
};

// `{kind: 'block', device, diskseq, sizeBytes, footprint, kubeletDevices}` or a Refusal `missing`, `unsafe`, `noDevice`.
// `kubeletDevices` are the devices that the kubelet itself gave to that pod, as far as its links can be followed.
Render lookUpPodDevice(const PodDeviceQuestion& question);

// `{kind: 'file', filesystem, inode, sizeBytes, footprint}` or a Refusal `missing`, `unsafe`, `empty`.
Render lookUpPodImage(const PlaceInPod& volume, const std::string& volumeName);

}  // namespace hotplugd

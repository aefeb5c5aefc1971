// Device nodes made in a launcher's directory.
#pragma once

#include "launcher-directory.h"
#include "loop.h"

namespace hotplugd {

struct DeviceNode {
  LauncherDirectory directory;
  // In the launcher's directory: the volume.
  std::string name;
  dev_t device;
};

struct DeviceToExpose {
  DeviceNode node;
  // Of the disk that is meant; not compared if nothing.
  std::optional<std::string> diskseq;
  PodFileOwner owner;
  Sysfs sysfs;
};

// `{kind: 'done'}` or a Refusal: `gone` (the directory), `changed` (another disk has the number by now), `other` (a node of another device is there, whose
// number `what` is), `unsafe`. A node of that device is kept, one of `replaced` taken away first.
Render exposeDevice(const DeviceToExpose& request, std::optional<dev_t> replaced);

// Removes that node only. `{kind: 'done', isElsewhere}`: whether another entry of the directory is that device as well.
Render withdrawDevice(const DeviceNode& node);

// What an entry of the launcher's directory is, as the launcher sees it: null if nothing is there or if it is an empty
// file with nothing mounted on it, else `{what, device, diskseq, filesystem, inode, sizeBytes}`.
Render identifyExposed(const PlaceInPod& launcher, const LauncherDirectory& directory, const std::string& name,
                       const Sysfs& sysfs);

}  // namespace hotplugd
